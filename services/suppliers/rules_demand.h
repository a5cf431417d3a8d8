// What is sought and who can deliver it (Art. 47(4), 13(3)(4)), as pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/norms/norms.h"
#include "nisi/suppliers/v1/resources.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::suppliers {

using v1::Demand;
using v1::Publication;
using v1::Response;

// A request for a subcontractor and a line of the List go different ways; both refuse with
// DEMAND_STATE.
enum class DemandVerb { kEdit, kClose, kWithdraw, kEnd };
const base::Machine<Demand::State, DemandVerb>& SubcontractingMachine();
enum class ListedVerb { kEnd, kWithdraw };
const base::Machine<Demand::State, ListedVerb>& ListedDemandMachine();

// PUBLICATION_WITHDRAWN for one that was taken back and is placed again.
enum class PublicationVerb { kPublish, kWithdraw };
const base::Machine<Publication::State, PublicationVerb>& PublicationMachine();

// RESPONSE_STATE.
enum class ResponseVerb { kRespond, kWithdraw };
const base::Machine<Response::State, ResponseVerb>& ResponseMachine();

// Whether the List of a year is placed later than the law has it (Art. 47(4)): it is shown and
// blocks nothing.
absl::StatusOr<bool> IsLate(const norms::Norms& norms, int32_t cycle, base::Date day);

// Above 0. QUANTITY_ZERO at `field`.
absl::Status CheckQuantity(const std::string& quantity, absl::string_view field);

// What a demand is on `day`, given as it was put: after its last day to respond it is closed, also
// where no timer has run yet.
void ShowOn(base::Date day, Demand* demand);

// Whether a subscriber wants to hear of a demand.
bool Wants(const v1::Subscription& subscription, const Demand& demand);

// An offer of the code that is sought, of a supplier that is ACTIVE on the day.
struct MatchOffer {
  std::string name;
  std::string bin;
  std::string unit;
  std::string capacity;
  int32_t value = 0;  // in-country, on the day
};
struct MatchNeed {
  std::string ens_tru;
  std::string unit;
  base::Quantity quantity;  // above 0
  int32_t minimum_value = 0;
  std::string source;   // the demand, or "request"
  std::string version;  // its etag
};
// Who can deliver what is sought, and how much of it: by supplier, the highest value first, then
// the largest capacity, then the lowest BIN. Holds of the offers no more than the answer names,
// however many there are.
class Matching {
 public:
  Matching(MatchNeed need, base::Date day) : need_(std::move(need)), day_(day) {}

  // The offers of one supplier come one after another.
  void Add(const MatchOffer& offer);
  // All but position and edition of the norms, after the last offer.
  v1::MatchDemandResponse Finish();

 private:
  // What one supplier can deliver. The largest of its offers: one plant is not counted twice.
  struct Candidate {
    std::string bin;
    int64_t capacity = 0;  // thousandths
    int32_t value = 0;     // the lowest of its offers
    std::vector<std::string> offers;
  };
  static bool IsBefore(const Candidate& a, const Candidate& b);
  void Rank();  // the supplier whose offers came last

  const MatchNeed need_;
  const base::Date day_;
  v1::MatchDemandResponse response_;
  Candidate last_;
  std::vector<Candidate> best_;  // a heap, the last of them in front
  int64_t offers_ = 0;
  int64_t suppliers_ = 0;
  int64_t unnamed_ = 0;  // capacity of the others, as far as the need goes; thousandths
};

}  // namespace nisi::suppliers

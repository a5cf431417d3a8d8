// State support of the upkeep of a cluster organization and of projects of the cluster (Art. 40,
// 9(20), 25(5)-(6)) as pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/cases/checked.h"
#include "common/norms/norms.h"
#include "nisi/clusters/v1/supports.pb.h"
#include "services/clusters/rules.h"

namespace nisi::clusters {

using v1::Support;

enum class SupportVerb {
  kExamine,
  kGrant,
  kRefuse,
  kPay,
  kReturn,
  kReverseReturn,
  kComplete,
  kWithdraw
};
const base::Machine<Support::State, SupportVerb>& SupportMachine();

// Support goes to clusters that are SELECTED or REGISTERED on that day (Art. 40(1)).
bool IsEligible(Cluster::State state);
// 1 to 3 in the calendar years from the first grant on (0: none yet), running through years
// without; UPKEEP_TERM_OVER.
absl::StatusOr<int32_t> SupportYear(int32_t first_year, int32_t year);

// The year that costs belong to has begun by the day of the request, and is not before that in
// which the cluster was selected: support is for clusters that have been (Art. 40(1)).
// SUPPORT_YEAR_NOT_POSSIBLE.
absl::Status CheckSupportYear(int32_t year, base::Date selected, base::Date today);

// What of the costs is accepted, item by item: COSTS_INCOMPLETE, ACCEPTED_OVER_COST.
absl::StatusOr<base::Money> Accept(
    const google::protobuf::RepeatedPtrField<v1::ExamineSupportRequest::Item>& items,
    Support* support);

// A project is one thing, the upkeep of the organization, which is meant where nothing is said, the
// other. INVALID_FIELD for a project that is not wanted or missing, a code named twice, and shares
// that are not the whole.
absl::Status CheckPurpose(const Support& support);
inline bool IsProject(const Support& support) {
  return support.purpose() == Support::PROJECT;
}

// How the recipient of a project belongs to the cluster on a day.
struct Belonging {
  enum Kind { kNot, kMember, kOrganization } kind = kNot;
  Source source;  // the membership, or the cluster
};

// What the registry of priority goods said of a project's goods, for the day of its request.
struct GoodsOnList {
  struct One {
    std::string code;
    int32_t share_bp = 0;
    std::string level;  // of processing: HIGH, MEDIUM; NOT_LISTED, or PARTIAL: some goods below it
    Source source;      // the entry, else the list, and the position in the registry's journal
  };
  base::Date day;
  Source edition;  // in force on the day; without a name: none was
  std::vector<One> goods;
};

struct Examination {
  const Support* support = nullptr;  // with accepted_cost
  Cluster::State cluster_state = Cluster::STATE_UNSPECIFIED;
  std::string organization;  // of the cluster
  int32_t support_year = 0;
  const cases::Checked* checked = nullptr;
  bool documents_complete = false;
  Source source;
  // Of a project.
  Belonging belonging;
  const GoodsOnList* goods = nullptr;
  Source cluster;  // as it was read
  // Of upkeep, with `support_year` 0 where it leaves the year of the costs outside the three.
  int32_t first_upkeep_year = 0;
};
// The share of the accepted cost: a project's, or that of the year of support.
std::string ShareNorm(const Support& support, int32_t support_year);
// Outcome the ceiling in tenge: accepted cost by the share, down to the tiyn, and no more than was
// asked for; nothing of a year that is none of the three. Of a project the goods of medium and high
// processing that were on the list on the day of the request are at least
// clusters.support.project_goods_share_min of its output.
absl::StatusOr<Decision> Examine(const Examination& examination, const norms::Norms& norms,
                                 base::Date day);
absl::StatusOr<Decision> ReplayExamination(const Decision& stored);

struct Granting {
  const Support* support = nullptr;  // examined
  Cluster::State cluster_state = Cluster::STATE_UNSPECIFIED;
  std::string organization;  // of the cluster, today
  // As SupportYear says it today, where other grants may have been decided since the examination;
  // 0 when the year is none of the three any longer.
  int32_t support_year = 0;
  // The other grants of the cluster and year: they share one ceiling.
  struct Other {
    base::Money accepted, granted;
    Source source;
  };
  std::vector<Other> others;
  base::Money sum;
  Source source;
  Belonging belonging;  // of a project, today
  Source cluster;       // as it was read
};
// Whether the sum may be granted: a finding each for the examination, the cluster, its organization
// or member, the ceiling, and of upkeep the year of support that the share was found by. Outcome
// GRANTED or REFUSED. Rests on an assumption where the examination that found the share does.
absl::StatusOr<Decision> Grant(const Granting& granting, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayGrant(const Decision& stored);

struct Paying {
  const Support* support = nullptr;
  Cluster::State cluster_state = Cluster::STATE_UNSPECIFIED;
  std::string organization;  // of the cluster, today
  const cases::Checked* checked = nullptr;
  base::Money amount;
  Source source;
  Belonging belonging;  // of a project, today
  Source cluster;       // as it was read
};
// Whether so much of what was paid can have come back on a day (Art. 40(3)): not before the first
// payment nor in the future, and together no more than was paid. PAYMENT_DATE_INVALID,
// SUM_OVER_PAID.
struct GivenBack {
  base::Money amount;
  base::Date day;
  base::Money paid, returned;  // of the support, so far
  base::Date first_paid;       // where something was paid
};
absl::Status CheckReturn(const GivenBack& given, base::Date today);
// Outcome PAID or REFUSED.
absl::StatusOr<Decision> Pay(const Paying& paying, const norms::Norms& norms);
absl::StatusOr<Decision> ReplayPayment(const Decision& stored);

}  // namespace nisi::clusters

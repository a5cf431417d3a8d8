// The places of KATO: taken in a classifier at a time, read by two times.
#include <set>

#include "absl/strings/match.h"
#include "common/base/codes.h"
#include "common/rpc/import.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/history.h"
#include "services/industry_map/places.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

using v1::Place;
using v1::PlaceRow;

// A place has had a few predecessors at most; a circle ends here.
constexpr int kMaxSuccessions = 16;
constexpr size_t kKatoDigits = 9;

store::Key PlaceKey(const std::string& kato) {
  return store::Key::Of(kato);
}

std::string PlaceName(const std::string& kato) {
  return "places/" + kato;
}

// The day on which a place ended, as far as was known; nullopt for one that never did or was.
absl::StatusOr<std::optional<base::Date>> DayOfEnd(const store::Reader& reader,
                                                   const std::string& kato, const store::At& at) {
  const base::Date day = at.as_of.value_or(reader.today());
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(kPlaces, PlaceKey(kato).bytes()));
  for (const store::RawRow& raw : versions) {
    const store::Version& version = raw.version;
    if (version.effective_from > day) continue;
    if (at.known_at_us.has_value() && version.recorded_us > *at.known_at_us) continue;
    if (version.ended) return version.effective_from;
    return std::nullopt;
  }
  return std::nullopt;
}

// What took over from a code on the day of `at`.
absl::StatusOr<std::optional<Place>> Successor(const store::Reader& reader, const std::string& kato,
                                               const store::At& at) {
  std::optional<Place> place;
  RETURN_IF_ERROR(
      reader.Scan(kPlacesByPredecessor, {PlaceKey(kato), ""}, at,
                  [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<PlaceRow>(row));
                    place = std::move(*stored.row.mutable_place());
                    return false;
                  }));
  return place;
}

absl::StatusOr<std::optional<Place>> FindPlace(const store::Reader& reader, const std::string& kato,
                                               const store::At& at) {
  ASSIGN_OR_RETURN(auto found, reader.Find(kPlaces, PlaceKey(kato), at));
  if (!found.has_value()) return std::nullopt;
  return std::move(*found->row.mutable_place());
}

// What the code stands for on the day of `at`; nullopt: no classifier says.
absl::StatusOr<std::optional<Place>> Resolve(const store::Reader& reader, const std::string& kato,
                                             const store::At& at) {
  std::string code = kato;
  for (int i = 0; i < kMaxSuccessions; ++i) {
    ASSIGN_OR_RETURN(auto place, FindPlace(reader, code, at));
    if (place.has_value()) return place;
    // Who took over did so on the day of the end, and may itself have ended since.
    ASSIGN_OR_RETURN(const auto end, DayOfEnd(reader, code, at));
    store::At then = at;
    if (end.has_value()) then.as_of = end;
    ASSIGN_OR_RETURN(const auto next, Successor(reader, code, then));
    if (!next.has_value()) break;
    code = next->kato();
  }
  return std::nullopt;
}

// The last classifier that was taken in whole.
absl::StatusOr<ClassifierRow> LastWhole(const store::Tx& tx) {
  ASSIGN_OR_RETURN(auto found, tx.Find(kClassifiers, store::Key::Of(int64_t{0})));
  return found.has_value() ? std::move(found->row) : ClassifierRow();
}

using PlaceCells = v1::ImportPlacesRequest::Row;

class PlaceImport final : public rpc::Import<v1::ImportPlacesRequest, Place> {
 public:
  explicit PlaceImport(Env& env) : Import(*env.store) {}

 protected:
  Place FromRow(const PlaceCells& row) const override {
    Place place;
    place.set_kato(row.kato());
    // The published file calls it an oblast.
    const bool oblast = absl::EqualsIgnoreCase(row.level(), "OBLAST");
    place.set_level(oblast ? Place::REGION : rpc::ValueNamed<Place::Level>(row.level()));
    place.set_type_code(row.type_code());
    place.mutable_display_name()->set_kk(row.name_kk());
    place.mutable_display_name()->set_ru(row.name_ru());
    place.set_predecessor(row.predecessor());
    return place;
  }

  std::string KeyOf(const PlaceCells& row) const override {
    return base::Kato::Parse(row.kato()).ok() ? row.kato() : "";
  }

  absl::Status Begin(store::Tx& tx, const Call&, const Header& header) override {
    ASSIGN_OR_RETURN(day_, base::Date::FromProto(header.effective_date()));
    // Places that a later one ended would stand beside those that an older one says.
    ASSIGN_OR_RETURN(const ClassifierRow whole, LastWhole(tx));
    const auto later = base::Date::FromProto(whole.taken_in().effective_date());
    if (later.ok() && day_ < *later) return errors::ClassifierOutdated(*later);
    classifier_ = header.classifier();
    whole_ = header.whole();
    came_.clear();
    tx.Cite(errors::UnifiedMap());
    return absl::OkStatus();
  }

  absl::Status Enter(store::Tx& tx, const Place& given) override {
    if (!came_.insert(given.kato()).second) return errors::PlaceTwice(given.kato());
    PlaceRow row;
    Place& place = *row.mutable_place();
    place = given;
    place.set_name(PlaceName(place.kato()));
    place.set_classifier(classifier_);
    RETURN_IF_ERROR(SetAround(tx, &place));
    ASSIGN_OR_RETURN(auto stands, FindPlace(tx, place.kato(), {day_, std::nullopt}));
    if (stands.has_value()) {
      stands->clear_etag();
      stands->clear_create_time();
      stands->clear_update_time();
      if (stands->SerializeAsString() == place.SerializeAsString()) return absl::OkStatus();
    }
    return tx.Put(kPlaces, &row, day_);
  }

  absl::Status Complete(store::Tx& tx) override {
    if (!whole_) return absl::OkStatus();
    std::vector<std::string> gone;
    RETURN_IF_ERROR(
        tx.Scan(kPlaces, {}, {day_, std::nullopt},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<PlaceRow>(row));
                  const std::string& kato = stored.row.place().kato();
                  if (!came_.contains(kato)) gone.push_back(kato);
                  return true;
                }));
    for (const std::string& kato : gone) {
      RETURN_IF_ERROR(tx.End(kPlaces, PlaceKey(kato), day_));
    }
    RETURN_IF_ERROR(ScheduleMoves(tx, gone, day_));
    return NoteWhole(tx);
  }

 private:
  absl::Status NoteWhole(store::Tx& tx) const {
    ASSIGN_OR_RETURN(const ClassifierRow last, LastWhole(tx));
    ClassifierRow row;
    row.mutable_taken_in()->set_classifier(classifier_);
    *row.mutable_taken_in()->mutable_effective_date() = day_.ToProto();
    if (row.SerializeAsString() == last.SerializeAsString()) return absl::OkStatus();
    return tx.Put(kClassifiers, &row);
  }

  // The nearest place around it that is in force then; rows come in order of code, so it is there.
  // Of a whole classifier only its own rows are: what it has not ends with it.
  absl::Status SetAround(const store::Tx& tx, Place* place) const {
    if (place->level() == Place::REGION) {
      place->set_region(place->kato());
      return absl::OkStatus();
    }
    for (const std::string& code : CodesAround(place->kato())) {
      if (whole_ && !came_.contains(code)) continue;
      ASSIGN_OR_RETURN(const auto around, FindPlace(tx, code, {day_, std::nullopt}));
      if (!around.has_value() || around->level() >= place->level()) continue;
      place->set_parent(around->kato());
      place->set_region(around->region());
      return absl::OkStatus();
    }
    return errors::PlaceWithoutParent(place->kato());
  }

  base::Date day_;
  std::string classifier_;
  bool whole_ = false;
  std::set<std::string> came_;
};

}  // namespace

std::vector<std::string> CodesAround(const std::string& kato) {
  std::vector<std::string> codes;
  // Digits of settlement, rural district and district fall away one after another.
  for (const size_t kept : {size_t{6}, size_t{4}, size_t{2}}) {
    std::string code = kato.substr(0, kept);
    code.resize(kKatoDigits, '0');
    if (code != kato && (codes.empty() || codes.back() != code)) codes.push_back(std::move(code));
  }
  return codes;
}

absl::StatusOr<std::string> CodeOn(const store::Reader& reader, const std::string& kato,
                                   base::Date day) {
  ASSIGN_OR_RETURN(const auto place, Resolve(reader, kato, {day, std::nullopt}));
  return place.has_value() ? place->kato() : kato;
}

absl::StatusOr<std::string> RegionOn(const store::Reader& reader, const std::string& kato,
                                     base::Date day) {
  ASSIGN_OR_RETURN(const auto place, Resolve(reader, kato, {day, std::nullopt}));
  return (place.has_value() ? place->region() : kato).substr(0, 2);
}

absl::StatusOr<std::optional<Move>> NextMove(const store::Reader& reader, const std::string& kato) {
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(kPlaces, PlaceKey(kato).bytes()));
  std::optional<store::Version> last;
  for (const store::RawRow& raw : versions) {
    if (!last.has_value() || raw.version.Beats(*last)) last = raw.version;
  }
  if (!last.has_value() || !last->ended) return std::nullopt;
  ASSIGN_OR_RETURN(const auto next, Successor(reader, kato, {last->effective_from, std::nullopt}));
  if (!next.has_value()) return std::nullopt;
  return Move{last->effective_from, next->kato()};
}

absl::Status CheckPlace(const store::Reader& reader, const std::string& kato, base::Date day,
                        const std::string& field) {
  ASSIGN_OR_RETURN(const auto place, FindPlace(reader, kato, {day, std::nullopt}));
  if (place.has_value()) return absl::OkStatus();
  bool any = false;
  RETURN_IF_ERROR(
      reader.Scan(kPlaces, {}, {day, std::nullopt},
                  [&](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                    any = true;
                    return false;
                  }));
  return any ? errors::PlaceUnknown(field, kato) : absl::OkStatus();
}

absl::StatusOr<Encoded<Place>> GetPlace(Env& env, Call& call, const v1::GetPlaceRequest& request) {
  return rpc::GetRecord<Place>(*env.store, call, kPlaces,
                               PlaceKey(request.name().substr(request.name().find('/') + 1)),
                               request);
}

absl::StatusOr<Encoded<v1::ListPlacesResponse>> ListPlaces(Env& env, Call& call,
                                                           const v1::ListPlacesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kPlaces, request, call));
  plan.indexes = {{"parent", &kPlacesByParent, rpc::TextKey},
                  {"region", &kPlacesByRegion, rpc::TextKey}};
  return rpc::ListAs<v1::ListPlacesResponse>(*env.store, plan);
}

absl::StatusOr<v1::ResolvePlaceResponse> ResolvePlace(Env& env, Call& call,
                                                      const v1::ResolvePlaceRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  if (call.reach == store::Reach::kMemory) return store::NotInMemory();
  const store::View view = env.store->Read();
  v1::ResolvePlaceResponse response;
  ASSIGN_OR_RETURN(auto place, Resolve(view, request.kato(), at));
  if (!place.has_value()) return errors::PlaceUnknown("kato", request.kato());
  *response.mutable_place() = *std::move(place);
  ASSIGN_OR_RETURN(auto region, FindPlace(view, response.place().region(), at));
  if (!region.has_value()) return base::StoreCorrupt("region of a place");
  *response.mutable_region() = *std::move(region);
  return response;
}

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportPlacesRequest>>> ImportPlaces(Env& env,
                                                                                        Call&) {
  return std::make_unique<PlaceImport>(env);
}

}  // namespace nisi::industry_map

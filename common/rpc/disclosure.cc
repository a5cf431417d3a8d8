#include "common/rpc/disclosure.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/rpc/store_call.h"
#include "google/protobuf/reflection.h"

namespace nisi::rpc {
namespace {

using disclosure::v1::Access;
using disclosure::v1::AccessRow;
using disclosure::v1::Permit;
using disclosure::v1::PermitRow;
using google::protobuf::Message;
using store::EmitKey;
using store::Key;

constexpr int kMostRecords = 200;  // an access; a page has no more
constexpr uint32_t kOwners = base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER);

// Whom a permit names, as a part of keys.
Key NamedKey(const Permit& permit) {
  if (!permit.reader_bin().empty()) return Key::Of(permit.owner_bin(), "bin", permit.reader_bin());
  if (!permit.reader_subject().empty()) {
    return Key::Of(permit.owner_bin(), "subject", permit.reader_subject());
  }
  return Key::Of(permit.owner_bin(), "anyone");
}

// Under which a permit of this owner may name the caller.
std::vector<Key> KeysNaming(const Caller& caller, const std::string& owner) {
  std::vector<Key> keys{Key::Of(owner, "anyone"), Key::Of(owner, "subject", caller.subject)};
  if (!caller.bin.empty()) keys.push_back(Key::Of(owner, "bin", caller.bin));
  return keys;
}

using PermitVisitor = std::function<bool(const Permit& permit)>;  // false: enough

absl::Status VisitPermits(const store::Reader& reader, const Caller& caller,
                          const std::string& owner, const PermitVisitor& visit) {
  if (owner.empty()) return absl::OkStatus();
  bool more = true;
  for (const Key& key : KeysNaming(caller, owner)) {
    RETURN_IF_ERROR(
        reader.Scan(kPermitsByReader, {key, ""}, {},
                    [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                      ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<PermitRow>(row));
                      return more = visit(stored.row.permit());
                    }));
    if (!more) break;
  }
  return absl::OkStatus();
}

// Whether any permit names owner and caller, in force or not: so that a stranger's look costs no
// write.
absl::StatusOr<bool> MayHavePermit(const store::Store& store, const Call& call,
                                   const std::string& owner) {
  bool found = false;
  const store::View view = store.Read(call.reach);
  RETURN_IF_ERROR(VisitPermits(view, *call.caller, owner, [&found](const Permit&) {
    found = true;
    return false;
  }));
  return found;
}

bool InForce(const Permit& permit, base::Date today) {
  const auto first = base::Date::FromProto(permit.first_day());
  if (permit.has_withdraw_time() || !first.ok() || *first > today) return false;
  if (!permit.has_last_day()) return true;
  const auto last = base::Date::FromProto(permit.last_day());
  return last.ok() && today <= *last;
}

absl::StatusOr<std::vector<Permit>> PermitsInForce(const store::Reader& reader, const Call& call,
                                                   const std::string& owner) {
  std::vector<Permit> permits;
  RETURN_IF_ERROR(VisitPermits(reader, *call.caller, owner, [&](const Permit& permit) {
    if (InForce(permit, reader.today())) permits.push_back(permit);
    return true;
  }));
  return permits;
}

bool Covers(const Permit& permit, const std::string& record, const std::string& field) {
  if (!permit.record().empty() && permit.record() != record) return false;
  return permit.fields().empty() ||
         std::find(permit.fields().begin(), permit.fields().end(), field) != permit.fields().end();
}

bool IsOwner(const Caller& caller, const std::vector<std::string>& owners) {
  return !caller.bin.empty() && (caller.roles & kOwners) != 0 &&
         std::find(owners.begin(), owners.end(), caller.bin) != owners.end();
}

// As they are recorded: of a record without any, for auditors.
std::vector<std::string> RecordedOwners(const Message& resource) {
  std::vector<std::string> owners = OwnersOf(resource);
  if (owners.empty()) owners.emplace_back();
  return owners;
}

// The one closed record of an answer that is claimed: what a permit may open.
bool IsOneClosed(const Method& method, const Claims& claims) {
  return method.policy.discloses && method.policy.reveal == nullptr && claims.claims.size() == 1 &&
         claims.claims.front().place.type->ties.closed();
}

// The caller's roles over the record in which the method admits it. An `unscoped` method ties no
// scoped role to the record, and shows it nothing by duty.
uint32_t RolesOver(const Call& call, const MarkedType& type, const Message& resource) {
  const uint32_t admitted = call.method->is_public ? ~0U : call.method->roles;
  return type.ties.RolesOver(*call.caller, resource) & admitted;
}

// The ground on which a field is shown. By duty before audit, and both before a permit: a permit
// says nothing of whoever needs none.
struct Right {
  Access::Ground ground = Access::GROUND_UNSPECIFIED;
  Role role = v1::ROLE_UNSPECIFIED;
  std::string permit;
};

Right RightByRole(const Mark& mark, uint32_t roles) {
  for (const Role role : AllRoles()) {
    if (role != v1::AUDITOR && (roles & mark.readers & base::RoleBit(role)) != 0) {
      return {Access::DUTY, role, ""};
    }
  }
  if ((roles & base::RoleBit(v1::AUDITOR)) != 0) return {Access::AUDIT, v1::AUDITOR, ""};
  return {};
}

using PermitsByOwner = std::map<std::string, std::vector<Permit>>;

Right RightBy(const Permit& permit) {
  return {permit.kind() == Permit::CONSENT ? Access::CONSENT : Access::COURT_ORDER,
          v1::ROLE_UNSPECIFIED, permit.name()};
}

// By a permit of each owner, in their order; or by a court order against one, which what is of
// others as well cannot bar. None: not shown.
std::vector<Right> RightsByPermit(const Mark& mark, const Claim& claim, const std::string& record,
                                  const PermitsByOwner& permits) {
  std::vector<Right> rights;
  std::optional<Right> ordered;
  for (const std::string& owner : claim.owners) {
    const auto of_owner = permits.find(owner);
    if (of_owner == permits.end()) continue;
    bool first = true;
    for (const Permit& permit : of_owner->second) {
      if (!Covers(permit, record, mark.dotted)) continue;
      if (first) rights.push_back(RightBy(permit));
      if (permit.kind() == Permit::COURT_ORDER) ordered = RightBy(permit);
      first = false;
    }
  }
  if (rights.size() == claim.owners.size()) return rights;
  if (!ordered.has_value()) return {};
  return std::vector<Right>(claim.owners.size(), *ordered);
}

// The rights to a field, one for each owner; none: it is not shown.
std::vector<Right> RightsTo(const Mark& mark, const Claim& claim, const std::string& record,
                            const PermitsByOwner& permits) {
  const Right right = RightByRole(mark, claim.roles);
  if (right.ground != Access::GROUND_UNSPECIFIED) {
    return std::vector<Right>(claim.owners.size(), right);
  }
  return RightsByPermit(mark, claim, record, permits);
}

// Gathers what one answer shows, an access for each owner and ground.
class Recorder {
 public:
  void Add(const std::string& owner, const Right& right, const std::string& record,
           const std::string& field) {
    Seen& seen = seen_[{owner, right.ground, right.role, right.permit}];
    if (seen.records.empty() || seen.records.back() != record) seen.records.push_back(record);
    if (std::find(seen.fields.begin(), seen.fields.end(), field) == seen.fields.end()) {
      seen.fields.push_back(field);
    }
  }
  bool empty() const { return seen_.empty(); }

  absl::Status Record(store::Tx& tx, const Call& call,
                      const std::optional<base::Date>& as_of) const {
    const int64_t position = tx.position();
    int32_t item = 0;
    for (const auto& [key, seen] : seen_) {
      for (size_t first = 0; first < seen.records.size(); first += kMostRecords) {
        AccessRow row;
        row.set_position(position);
        row.set_item(++item);
        Access& access = *row.mutable_access();
        std::tie(*access.mutable_owner_bin(), std::ignore, std::ignore, *access.mutable_permit()) =
            key;
        access.set_ground(std::get<1>(key));
        access.set_role(std::get<2>(key));
        access.set_name(absl::StrCat("accesses/",
                                     access.owner_bin().empty() ? "-" : access.owner_bin(), "/",
                                     position, "-", item));
        access.mutable_read_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
        access.set_reader_subject(call.caller->subject);
        access.set_reader_bin(call.caller->bin);
        access.set_purpose(call.caller->purpose);
        access.set_method(call.method->path);
        const size_t end = std::min(seen.records.size(), first + kMostRecords);
        for (size_t i = first; i < end; ++i) access.add_records(seen.records[i]);
        for (const std::string& field : seen.fields) access.add_fields(field);
        if (as_of.has_value()) *access.mutable_as_of() = as_of->ToProto();
        if (base::Planted("access-unrecorded")) continue;
        RETURN_IF_ERROR(tx.Put(kAccesses, &row));
      }
    }
    tx.Cite(ConfidentialityBasis());
    return absl::OkStatus();
  }

 private:
  struct Seen {
    std::vector<std::string> records;
    std::vector<std::string> fields;
  };
  std::map<std::tuple<std::string, Access::Ground, Role, std::string>, Seen> seen_;
};

absl::StatusOr<std::vector<Permit>> PermitsFor(const store::Store& store, const store::Tx& tx,
                                               const Call& call, const std::string& owner) {
  if (base::Planted("permit-from-snapshot")) return PermitsInForce(store.Read(), call, owner);
  return PermitsInForce(tx, call, owner);
}

absl::Status Settle(const store::Store& store, store::Tx& tx, const Call& call, Claims* claims) {
  Recorder recorder;
  PermitsByOwner permits;
  claims->shown.clear();
  for (const Claim& claim : claims->claims) {
    for (const std::string& owner : claim.owners) {
      const auto [of_owner, fresh] = permits.try_emplace(owner);
      if (fresh) {
        ASSIGN_OR_RETURN(of_owner->second, PermitsFor(store, tx, call, owner));
      }
    }
    const MarkedType& type = *claim.place.type;
    const std::string record = type.NameOf(*claim.place.resource);
    ShownMarks& shown = claims->shown.emplace_back(type.marks.size(), false);
    for (size_t i = 0; i < type.marks.size(); ++i) {
      const std::vector<Right> rights = RightsTo(type.marks[i], claim, record, permits);
      if (rights.empty()) continue;
      shown[i] = true;
      for (size_t owner = 0; owner < rights.size(); ++owner) {
        recorder.Add(claim.owners[owner], rights[owner], record, type.marks[i].dotted);
      }
    }
  }
  claims->nothing = recorder.empty();
  // Its failure leaves the journal without an empty entry.
  if (claims->nothing) return absl::CancelledError("nothing is shown");
  return recorder.Record(tx, call, claims->as_of);
}

Showing ShowingOf(const MethodPolicy& method, const Message* request) {
  if (!method.discloses || request == nullptr) return Showing::kOwner;
  if (method.reveal == nullptr || request->GetReflection()->GetBool(*request, method.reveal)) {
    return Showing::kByRight;
  }
  return Showing::kNotAsked;
}

v1::Withheld::Reason ReasonOf(Showing showing, const Caller& caller) {
  if (showing == Showing::kByRight || caller.anonymous()) return v1::Withheld::NO_RIGHT;
  return showing == Showing::kNotAsked ? v1::Withheld::NOT_ASKED : v1::Withheld::NOT_SHOWN_HERE;
}

std::optional<base::Date> AsOfIn(const Message* request) {
  if (request == nullptr) return std::nullopt;
  const auto* field = request->GetDescriptor()->FindFieldByName("as_of");
  if (field == nullptr || field->is_repeated() ||
      field->message_type() != google::type::Date::descriptor() ||
      !request->GetReflection()->HasField(*request, field)) {
    return std::nullopt;
  }
  const auto day = base::Date::FromProto(static_cast<const google::type::Date&>(
      request->GetReflection()->GetMessage(*request, field)));
  return day.ok() ? std::optional<base::Date>(*day) : std::nullopt;
}

// Whether the reader is shown no confidential field, whatever records the answer holds: neither by
// right nor as an owner, whose BIN would stand in its record as it is.
bool IsShownNothing(const Caller& caller, Showing showing, absl::string_view answer) {
  if (showing == Showing::kNobody) return true;
  if (showing == Showing::kByRight && !caller.anonymous()) return false;
  return caller.bin.empty() || (caller.roles & kOwners) == 0 ||
         !absl::StrContains(answer, caller.bin);
}

// Most answers of many records: no record need be looked at. nullopt: they must.
std::optional<std::string> WithholdAll(const Method& method, const Caller& caller, Showing showing,
                                       absl::string_view answer) {
  if (!method.mask.marked() || !IsShownNothing(caller, showing, answer)) return std::nullopt;
  if (base::Planted("bytes-unmasked")) return std::string(answer);
  return method.mask.wire().WithholdAll(answer, ReasonOf(showing, caller));
}

absl::StatusOr<Message*> Parsed(const Method& method, const std::string& bytes,
                                google::protobuf::Arena* arena) {
  Message* answer = method.response_prototype->New(arena);
  if (!answer->ParseFromString(bytes)) return base::StoreCorrupt("an answer does not parse");
  // Fields of a newer version of the type: whether they are confidential is not known here.
  if (!method.mask.marked() || !method.mask.wire().IsKnown(bytes)) answer->DiscardUnknownFields();
  return answer;
}

// Takes out what is shown by no right and gathers what may be claimed.
absl::Status Apply(const Method& method, const Call& call, Showing showing, Claims* claims) {
  const Caller& caller = *call.caller;
  std::map<std::string, bool> permitted;  // by owner
  for (const Mask::Place& place : method.mask.Find(claims->answer)) {
    const MarkedType& type = *place.type;
    Claim claim{place, RecordedOwners(*place.resource), RolesOver(call, type, *place.resource)};
    const bool owner = showing != Showing::kNobody && IsOwner(caller, claim.owners);
    if (!owner && showing == Showing::kByRight && !caller.anonymous()) {
      bool claimed = std::any_of(type.marks.begin(), type.marks.end(), [&](const Mark& mark) {
        return RightByRole(mark, claim.roles).ground != Access::GROUND_UNSPECIFIED;
      });
      for (size_t i = 0; i < claim.owners.size() && !claimed; ++i) {
        const auto [of_owner, fresh] = permitted.try_emplace(claim.owners[i]);
        if (fresh) {
          ASSIGN_OR_RETURN(of_owner->second,
                           MayHavePermit(*method.disclosure, call, claim.owners[i]));
        }
        claimed = of_owner->second;
      }
      if (claimed) {
        claims->claims.push_back(std::move(claim));
        continue;
      }
    }
    Withhold(type, ShownMarks(type.marks.size(), owner), ReasonOf(showing, caller), place.resource);
  }
  return absl::OkStatus();
}

}  // namespace

const store::Table<PermitRow> kPermits{
    0xf000, "permits", [](const PermitRow& row) { return Key::Of(row.permit().name()); }};
const store::Table<AccessRow> kAccesses{0xf001, "accesses", [](const AccessRow& row) {
                                          return Key::Of(row.access().owner_bin(), row.position(),
                                                         row.item());
                                        }};
const store::Index<PermitRow> kPermitsByReader{0xf002, "permits_by_reader", kPermits, false,
                                               [](const PermitRow& row, const EmitKey& emit) {
                                                 if (!row.permit().has_withdraw_time())
                                                   emit(NamedKey(row.permit()));
                                               }};
const store::Index<PermitRow> kPermitsByParty{0xf003, "permits_by_party", kPermits, false,
                                              [](const PermitRow& row, const EmitKey& emit) {
                                                emit(Key::Of(row.permit().owner_bin()));
                                                if (!row.permit().reader_bin().empty())
                                                  emit(Key::Of(row.permit().reader_bin()));
                                              }};

absl::StatusOr<bool> HasPermit(const store::Reader& reader, const Call& call,
                               const Message& resource) {
  const MethodPolicy& method = *call.method;
  if (!method.discloses || method.reveal != nullptr || call.caller->anonymous()) return false;
  const auto* field = resource.GetDescriptor()->FindFieldByName("name");
  if (field == nullptr) return false;
  const std::string name = resource.GetReflection()->GetString(resource, field);
  const std::vector<std::string> owners = OwnersOf(resource);
  size_t permitted = 0;  // owners who have given one
  bool ordered = false;
  for (const std::string& owner : owners) {
    bool given = false;
    RETURN_IF_ERROR(VisitPermits(reader, *call.caller, owner, [&](const Permit& permit) {
      if (InForce(permit, reader.today()) && (permit.record().empty() || permit.record() == name)) {
        given = true;
        ordered = permit.kind() == Permit::COURT_ORDER;
      }
      return !ordered;
    }));
    if (ordered) return true;
    permitted += given ? 1 : 0;
  }
  return !owners.empty() && permitted == owners.size();
}

absl::StatusOr<std::vector<bool>> MayBeTold(store::Store& store, const Call& call,
                                            const std::vector<const Message*>& records) {
  std::vector<bool> told(records.size(), false);
  Recorder recorder;
  std::map<const google::protobuf::Descriptor*, std::unique_ptr<MarkedType>> types;
  for (size_t i = 0; i < records.size(); ++i) {
    const Message& record = *records[i];
    const auto [found, fresh] = types.try_emplace(record.GetDescriptor());
    if (fresh) {
      ASSIGN_OR_RETURN(found->second, MarkedTypeOf(*record.GetDescriptor()));
    }
    if (found->second == nullptr) return base::StoreCorrupt("a record without confidential fields");
    const MarkedType& type = *found->second;
    const std::vector<std::string> owners = RecordedOwners(record);
    told[i] = IsOwner(*call.caller, owners);
    if (told[i]) continue;
    const uint32_t roles = type.ties.RolesOver(*call.caller, record) & call.method->roles;
    std::vector<Right> rights;
    for (const Mark& mark : type.marks) rights.push_back(RightByRole(mark, roles));
    told[i] = std::none_of(rights.begin(), rights.end(), [](const Right& right) {
      return right.ground == Access::GROUND_UNSPECIFIED;
    });
    for (size_t mark = 0; told[i] && mark < rights.size(); ++mark) {
      for (const std::string& owner : owners) {
        recorder.Add(owner, rights[mark], type.NameOf(record), type.marks[mark].dotted);
      }
    }
  }
  if (recorder.empty()) return told;
  const auto recorded =
      store.Write(CommandOf(call), [&](store::Tx& tx) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR(recorder.Record(tx, call, std::nullopt));
        return std::string();
      });
  RETURN_IF_ERROR(recorded.status());
  return told;
}

store::Schema WithDisclosure(store::Schema schema) {
  if (schema.FindTable(kPermits.id) != nullptr) return schema;
  schema.tables.push_back(&kPermits);
  schema.tables.push_back(&kAccesses);
  schema.indexes.push_back(&kPermitsByReader);
  schema.indexes.push_back(&kPermitsByParty);
  return schema;
}

absl::StatusOr<Masked> MaskAnswer(const Method& method, const Call& call, const Message* request,
                                  std::string bytes) {
  // A change was made by whom it admitted before; what it makes of a record may lie out of its
  // caller's reach.
  const bool asks_closed = !method.policy.mutation && method.mask.AsksClosed(call);
  if (method.mask.empty() || (!method.mask.marked() && !asks_closed)) {
    return Masked{std::move(bytes), nullptr};
  }
  const Showing showing = ShowingOf(method.policy, request);
  if (!asks_closed) {
    auto masked = WithholdAll(method, *call.caller, showing, bytes);
    if (masked.has_value()) return Masked{*std::move(masked), nullptr};
  }
  auto claims = std::make_shared<Claims>();
  ASSIGN_OR_RETURN(claims->answer, Parsed(method, bytes, &claims->arena));
  absl::Status closed;
  if (asks_closed) closed = method.mask.CheckClosed(call, *claims->answer);
  RETURN_IF_ERROR(Apply(method, call, showing, claims.get()));
  claims->by_permit = !closed.ok();
  if (!closed.ok() && !IsOneClosed(method, *claims)) return closed;
  if (claims->claims.empty()) return Masked{claims->answer->SerializeAsString(), nullptr};
  claims->as_of = AsOfIn(request);
  return Masked{"", std::move(claims)};
}

absl::StatusOr<std::string> MaskStreamed(const Method& method, const Call& call,
                                         std::string bytes) {
  if (!method.mask.marked()) return bytes;
  auto masked = WithholdAll(method, *call.caller, Showing::kNobody, bytes);
  if (masked.has_value()) return *std::move(masked);
  Claims claims;
  ASSIGN_OR_RETURN(claims.answer, Parsed(method, bytes, &claims.arena));
  RETURN_IF_ERROR(Apply(method, call, Showing::kNobody, &claims));
  return claims.answer->SerializeAsString();
}

store::CommandFn SettlingOf(const Method& method, const Call& call,
                            std::shared_ptr<Claims> claims) {
  return [store = method.disclosure, &call,
          claims = std::move(claims)](store::Tx& tx) -> absl::StatusOr<std::string> {
    RETURN_IF_ERROR(Settle(*store, tx, call, claims.get()));
    return std::string();
  };
}

absl::StatusOr<std::string> Settled(const Call& call, Claims* claims,
                                    const absl::StatusOr<store::Outcome>& outcome) {
  const bool decided = outcome.ok() || (claims->nothing && absl::IsCancelled(outcome.status()));
  if (!decided) return outcome.status();
  if (claims->by_permit && claims->nothing) return base::AccessDenied();
  for (size_t i = 0; i < claims->claims.size(); ++i) {
    const Mask::Place& place = claims->claims[i].place;
    Withhold(*place.type, claims->shown[i], ReasonOf(Showing::kByRight, *call.caller),
             place.resource);
  }
  return claims->answer->SerializeAsString();
}

}  // namespace nisi::rpc

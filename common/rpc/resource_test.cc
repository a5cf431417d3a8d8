// What the methods of a resource share, over a store of widgets.
#include "common/rpc/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/store/mem_engine.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
using store::EmitKey;
using store::Key;
using testing::v1::ListWidgetsRequest;
using testing::v1::ListWidgetsResponse;
using testing::v1::Widget;
using testing::v1::WidgetRow;

constexpr char kOwn[] = "940140000385";
constexpr char kOther[] = "070340007218";

const store::Table<WidgetRow> kWidgets(1, "widgets", [](const WidgetRow& row) {
  return Key::Of(row.widget().name());
});
const store::Index<WidgetRow> kByBin(2, "widgets_by_bin", kWidgets, /*is_unique=*/false,
                                     [](const WidgetRow& row, const EmitKey& emit) {
                                       emit(Key::Of(row.widget().bin()));
                                     });
const store::Index<WidgetRow> kByRegion(3, "widgets_by_region", kWidgets, /*is_unique=*/false,
                                        [](const WidgetRow& row, const EmitKey& emit) {
                                          emit(Key::Of(row.widget().region()));
                                        });
const store::Index<WidgetRow> kByWeight(4, "widgets_by_weight", kWidgets, /*is_unique=*/false,
                                        [](const WidgetRow& row, const EmitKey& emit) {
                                          emit(Key::Of(-row.widget().weight()));
                                        });

const store::Schema& WidgetSchema() {
  static const auto* const kSchema =
      new store::Schema{"testing", 1, {&kWidgets}, {&kByBin, &kByRegion, &kByWeight}, {}};
  return *kSchema;
}

// A Get of two times; a widget is read by its request's name.
struct GetRequest {
  std::string name_;
  std::optional<base::Date> as_of_;
  const std::string& name() const { return name_; }
  bool has_as_of() const { return as_of_.has_value(); }
  google::type::Date as_of() const { return as_of_->ToProto(); }
  static bool has_known_at() { return false; }
  static google::protobuf::Timestamp known_at() { return {}; }
};

bool IsHeavy(const google::protobuf::Message& resource, uint32_t roles) {
  return roles != 0 || static_cast<const Widget&>(resource).weight() >= 100;
}

class ResourceTest : public ::testing::Test {
 protected:
  ResourceTest() : clock_(base::Date::Parse("2026-06-15")->StartOfDay() + absl::Hours(12)) {
    store::Store::Options options;
    options.clock = &clock_;
    options.background = false;
    store_ = *store::Store::Open(store::OpenMem(), WidgetSchema(), std::move(options));
  }

  void Put(const std::string& id, const std::string& bin, const std::string& region,
           int64_t weight) {
    const auto put =
        store_->Write({.actor = "tester"}, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
          WidgetRow row;
          row.mutable_widget()->set_name("widgets/" + id);
          row.mutable_widget()->set_bin(bin);
          row.mutable_widget()->set_region(region);
          row.mutable_widget()->set_weight(weight);
          RETURN_IF_ERROR(tx.Put(kWidgets, &row));
          return std::string();
        });
    EXPECT_TRUE(put.ok()) << put.status();
  }

  Call CallBy(std::vector<Role> caller_roles, const std::string& bin = "",
              const std::vector<std::string>& regions = {}) {
    auto caller = std::make_shared<Caller>();
    caller->subject = "somebody";
    caller->bin = bin;
    caller->regions = regions;
    for (const Role role : caller_roles) caller->Grant(role);
    Call call;
    call.method = &method_;
    call.caller = caller;
    call.request_id = "r1";
    return call;
  }
  void Admit(const std::vector<Role>& roles) {
    method_.roles = 0;
    for (const Role role : roles) method_.roles |= base::RoleBit(role);
    method_.is_public = (method_.roles & base::RoleBit(v1::PUBLIC)) != 0;
  }

  std::string Find(const Call& call, const std::string& id, Visible visible = nullptr) {
    const std::string name = "widgets/" + id;
    const auto found = FindFor(store_->Read(), call, kWidgets, Key::Of(name), name, visible);
    const auto got =
        GetRecord<Widget>(*store_, call, kWidgets, Key::Of(name), GetRequest{name, {}}, visible);
    // Both ways to a record agree on who may see it.
    EXPECT_EQ(got.status(), found.status());
    if (!found.ok()) return ReasonOf(found.status());
    EXPECT_EQ(got->bytes, found->row.widget().SerializeAsString());
    return absl::StrCat(found->row.widget().weight(), "/", found->roles);
  }

  // "names" of every page of so many.
  absl::StatusOr<std::string> List(ListPlan plan, const Call& call, int page_size,
                                   const std::string& filter = "",
                                   const std::string& order_by = "") {
    ListWidgetsRequest request;
    request.set_filter(filter);
    request.set_order_by(order_by);
    request.set_page_size(page_size);
    std::vector<std::string> pages;
    do {
      plan.table = &kWidgets;
      PlanPage(request, call, &plan);
      ASSIGN_OR_RETURN(const std::string bytes, ListPage(*store_, plan));
      ListWidgetsResponse response;
      EXPECT_TRUE(response.ParseFromString(bytes));
      pages.push_back(absl::StrJoin(response.widgets(), " ", [](std::string* out, const Widget& w) {
        absl::StrAppend(out, w.name().substr(8), w.note());
      }));
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty() && pages.size() < 20);
    return absl::StrJoin(pages, "|");
  }

  base::FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  MethodPolicy method_;
};

TEST_F(ResourceTest, ARecordIsFoundByWhoHasARoleOverIt) {
  Put("a", kOwn, "751110000", 7);
  const std::string entity = absl::StrCat(base::RoleBit(v1::ENTITY));
  const std::string auditor = absl::StrCat(base::RoleBit(v1::AUDITOR));
  Admit({v1::ENTITY, v1::AKIMAT, v1::AUDITOR});
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOwn), "a"), "7/" + entity);
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOther), "a"), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOther), "b"), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::AKIMAT}, "", {"75"}), "a"),
            absl::StrCat("7/", base::RoleBit(v1::AKIMAT)));
  EXPECT_EQ(Find(CallBy({v1::AKIMAT}, "", {"71"}), "a"), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::AUDITOR}), "a"), "7/" + auditor);
  EXPECT_EQ(Find(CallBy({v1::AUDITOR}), "b"), "NOT_FOUND");
  // A role that the method does not admit says nothing of a record.
  Admit({v1::ENTITY});
  EXPECT_EQ(Find(CallBy({v1::ENTITY, v1::AUDITOR}, kOther), "a"), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::ENTITY, v1::AUDITOR}, kOwn), "a"), "7/" + entity);
  // That a method needs no record of the caller's own makes none its own.
  method_.unscoped = true;
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOwn), "a"), "7/" + entity);
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOther), "a"), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOther), "b"), "ACCESS_DENIED");
}

TEST_F(ResourceTest, WhatIsPublicIsFoundByAllAndTheRestAsIfItWereNotThere) {
  Put("light", kOwn, "", 7);
  Put("heavy", kOwn, "", 100);
  Admit({v1::PUBLIC});
  EXPECT_EQ(Find(CallBy({}), "light"), "7/0");
  EXPECT_EQ(Find(CallBy({}), "none"), "NOT_FOUND");  // nothing is hidden
  EXPECT_EQ(Find(CallBy({}), "heavy", IsHeavy), "100/0");
  EXPECT_EQ(Find(CallBy({}), "light", IsHeavy), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({}), "none", IsHeavy), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOther), "light", IsHeavy), "ACCESS_DENIED");
  EXPECT_EQ(Find(CallBy({v1::ENTITY}, kOwn), "light", IsHeavy),
            absl::StrCat("7/", base::RoleBit(v1::ENTITY)));
  EXPECT_EQ(Find(CallBy({v1::AUDITOR}), "light", IsHeavy),
            absl::StrCat("7/", base::RoleBit(v1::AUDITOR)));
  EXPECT_EQ(Find(CallBy({v1::AUDITOR}), "none", IsHeavy), "NOT_FOUND");
}

TEST_F(ResourceTest, TheVersionAskedForIsJudged) {
  Put("a", kOwn, "", 7);
  clock_.Advance(absl::Hours(48));
  Put("a", kOther, "", 8);
  Admit({v1::ENTITY});
  const Key key = Key::Of("widgets/a");
  const GetRequest then{"widgets/a", base::Date::Parse("2026-06-15").value()};
  const GetRequest now{"widgets/a", {}};
  const Call owner = CallBy({v1::ENTITY}, kOwn);
  EXPECT_TRUE(GetRecord<Widget>(*store_, owner, kWidgets, key, then).ok());
  EXPECT_EQ(ReasonOf(GetRecord<Widget>(*store_, owner, kWidgets, key, now).status()),
            "ACCESS_DENIED");
}

TEST_F(ResourceTest, AListShowsWhatIsInScopeByItsIndexOrWithout) {
  Put("a", kOwn, "751110000", 1);
  Put("b", kOther, "751210000", 2);
  Put("c", kOwn, "711110000", 3);
  Put("d", kOwn, "751110000", 4);
  Put("e", kOther, "", 5);
  Admit({v1::ENTITY, v1::AKIMAT, v1::AUDITOR});
  const struct {
    const char* what;
    Call call;
    const char* all;  // pages of two by the index, or without where it cannot serve
  } kCases[] = {
      {"the country", CallBy({v1::AUDITOR}), "a b|c d|e"},
      {"its own", CallBy({v1::ENTITY}, kOwn), "a c|d"},
      {"another's", CallBy({v1::ENTITY}, kOther), "b e"},
      {"nobody's", CallBy({v1::ENTITY}), ""},
      {"a region", CallBy({v1::AKIMAT}, "", {"75"}), "a d|b"},
      {"regions, one in another", CallBy({v1::AKIMAT}, "", {"7511", "71", "75"}), "c a|d b"},
      {"none", CallBy({v1::AKIMAT}), ""},
      {"a role that is not admitted", CallBy({v1::ENTITY, v1::EXPERT}, kOther), "b e"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    ListPlan plan;
    plan.show = ShowTo<Widget>(c.call);
    plan.scopes = {{v1::ENTITY, &kByBin}, {v1::AKIMAT, &kByRegion}};
    EXPECT_EQ(*List(plan, c.call, 2), c.all);
    // The same rows without the indexes.
    plan.scopes.clear();
    std::vector<std::string> with, without;
    for (const char letter : absl::string_view(c.all)) {
      if (letter != ' ' && letter != '|') with.emplace_back(1, letter);
    }
    const std::string listed = *List(plan, c.call, 200);
    for (const char letter : listed) {
      if (letter != ' ' && letter != '|') without.emplace_back(1, letter);
    }
    EXPECT_THAT(without, ::testing::UnorderedElementsAreArray(with));
  }
  // Of two roles no index has all.
  const Call both = CallBy({v1::ENTITY, v1::AKIMAT}, kOther, {"71"});
  ListPlan plan;
  plan.show = ShowTo<Widget>(both);
  plan.scopes = {{v1::ENTITY, &kByBin}, {v1::AKIMAT, &kByRegion}};
  EXPECT_EQ(*List(plan, both, 200), "b c e");
  EXPECT_EQ(*List(plan, both, 200, "weight > 2"), "c e");
}

TEST_F(ResourceTest, ThatMoreIsHiddenShowsInNoPage) {
  Put("a", kOwn, "", 100);
  Put("b", kOwn, "", 7);
  Put("c", kOwn, "", 7);
  Admit({v1::PUBLIC});
  const Call anybody = CallBy({}), auditor = CallBy({v1::AUDITOR});
  const auto listed = [this](const Call& call, const std::string& filter = "") {
    ListPlan plan;
    plan.show = ShowTo<Widget>(call, IsHeavy);
    plan.indexes = {
        {"bin", &kByBin, [](const std::string& bin) { return std::optional<Key>(Key::Of(bin)); }}};
    return *List(plan, call, 1, filter);
  };
  EXPECT_EQ(listed(anybody), "a");
  EXPECT_EQ(listed(anybody, absl::StrCat("bin = ", kOwn)), "a");
  EXPECT_EQ(listed(auditor), "a|b|c");
  Put("d", kOther, "", 100);
  EXPECT_EQ(listed(anybody), "a|d");
  EXPECT_EQ(listed(anybody, absl::StrCat("bin = ", kOwn)), "a");
  EXPECT_EQ(listed(anybody, "weight < 0"), "");
}

TEST_F(ResourceTest, AllPagesShowTheStateOfTheFirstWhateverIsAskedToBeKnown) {
  Admit({v1::PUBLIC});
  const Call call = CallBy({});
  for (const char* id : {"b", "d", "f"}) Put(id, kOwn, "", 1);
  for (const bool known_at : {false, true}) {
    clock_.Advance(absl::Seconds(1));
    ListPlan plan;
    plan.table = &kWidgets;
    // A moment to come: all that is known when the first page is read.
    if (known_at) plan.at.known_at_us = absl::ToUnixMicros(clock_.Now() + absl::Hours(1));
    ListWidgetsRequest request;
    request.set_page_size(1);
    std::string seen;
    do {
      PlanPage(request, call, &plan);
      const auto bytes = ListPage(*store_, plan);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      ListWidgetsResponse response;
      ASSERT_TRUE(response.ParseFromString(*bytes));
      for (const Widget& widget : response.widgets()) absl::StrAppend(&seen, widget.name());
      request.set_page_token(response.next_page_token());
      clock_.Advance(absl::Seconds(1));
      Put(known_at ? "e" : "c", kOwn, "", 1);
    } while (!request.page_token().empty());
    EXPECT_EQ(seen,
              known_at ? "widgets/bwidgets/cwidgets/dwidgets/f" : "widgets/bwidgets/dwidgets/f");
  }
}

TEST_F(ResourceTest, AListIsInTheOrderAskedFor) {
  Put("a", kOwn, "", 2);
  Put("b", kOwn, "", 3);
  Put("c", kOther, "", 1);
  Admit({v1::PUBLIC});
  const Call call = CallBy({});
  ListPlan plan;
  plan.orders = {{"name"}, {"weight desc", &kByWeight}};
  plan.indexes = {
      {"bin", &kByBin, [](const std::string& bin) { return std::optional<Key>(Key::Of(bin)); }}};
  EXPECT_EQ(*List(plan, call, 2), "a b|c");
  EXPECT_EQ(*List(plan, call, 2, "", " name "), "a b|c");
  EXPECT_EQ(*List(plan, call, 2, "", "weight  desc"), "b a|c");
  EXPECT_EQ(*List(plan, call, 2, absl::StrCat("bin = ", kOwn), "weight desc"), "b a|");
  for (const char* bad : {"weight", "name desc", "name, weight desc", "color", "weight down"}) {
    const absl::Status refused = List(plan, call, 2, "", bad).status();
    EXPECT_EQ(ReasonOf(refused), "ORDER_INVALID") << bad;
    EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "order_by") << bad;
  }
}

TEST_F(ResourceTest, AListFiltersWhatItShows) {
  Put("a", kOwn, "", 2);
  Put("b", kOwn, "", 3);
  Put("c", kOther, "", 1);
  Admit({v1::PUBLIC});
  ListPlan plan;
  int64_t added = 0;
  plan.prepare = [&](const store::Reader&, const store::At&) {
    added = 10;
    return absl::OkStatus();
  };
  plan.show = [&](google::protobuf::Message* resource) {
    auto& widget = static_cast<Widget&>(*resource);
    if (widget.bin() == kOther) return Shown::kNo;
    if (widget.weight() == 3) return Shown::kAsStored;
    widget.set_weight(widget.weight() + added);
    widget.set_note("!");
    return Shown::kChanged;
  };
  EXPECT_EQ(*List(plan, CallBy({}), 200), "a! b");
  EXPECT_EQ(*List(plan, CallBy({}), 200, "weight = 12"), "a!");
  EXPECT_EQ(*List(plan, CallBy({}), 200, "weight = 2"), "");
}

TEST_F(ResourceTest, AListPassesOverWhatItsBytesRuleOut) {
  Put("a", kOwn, "", 2);
  Put("b", kOwn, "", 3);
  Put("c", kOther, "", 1);
  Admit({v1::PUBLIC});
  ListPlan plan;
  plan.sift = [](absl::string_view widget) -> absl::StatusOr<bool> {
    return !absl::StrContains(widget, kOther);
  };
  EXPECT_EQ(*List(plan, CallBy({}), 200), "a b");
  EXPECT_EQ(*List(plan, CallBy({}), 200, "weight = 3"), "b");
  plan.sift = [](absl::string_view) { return base::StoreCorrupt("widget"); };
  EXPECT_EQ(ReasonOf(List(plan, CallBy({}), 200).status()), "STORE_CORRUPT");
  plan.sift = nullptr;
  plan.show = [](google::protobuf::Message*) { return base::StoreCorrupt("its neighbour"); };
  EXPECT_EQ(ReasonOf(List(plan, CallBy({}), 200).status()), "STORE_CORRUPT");
}

TEST_F(ResourceTest, IdsAreTheCallersOwnAndStay) {
  const Call call = CallBy({v1::ENTITY}, kOwn);
  Call other = CallBy({v1::ENTITY}, kOwn);
  EXPECT_THAT(IdFor(call), ::testing::MatchesRegex("[0-9a-f]{20}"));
  EXPECT_EQ(IdFor(call), IdFor(other));
  other.request_id = "r2";
  EXPECT_NE(IdFor(call), IdFor(other));
}

TEST_F(ResourceTest, AnUpdateBuildsOnTheVersionSeen) {
  Widget stored;
  stored.set_etag("0000002a");
  stored.set_weight(1);
  Widget given;
  given.set_etag("00000029");
  given.set_weight(2);
  EXPECT_EQ(ReasonOf(UpdateResource(given, {}, &stored)), "VERSION_MISMATCH");
  EXPECT_EQ(stored.weight(), 1);
  given.set_etag("0000002a");
  EXPECT_TRUE(UpdateResource(given, {}, &stored).ok());
  EXPECT_EQ(stored.weight(), 2);
}

TEST_F(ResourceTest, AFailureInABatchSaysWhere) {
  const absl::Status status = InItem(base::NotFound("widgets", "widgets/7"), "widgets[3]");
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
  EXPECT_EQ(base::InfoOf(status).metadata().at("item"), "widgets[3]");
}

}  // namespace
}  // namespace nisi::rpc

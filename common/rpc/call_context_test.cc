#include "common/rpc/call_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/key_files.h"
#include "nisi/rpc/v1/call_context.pb.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
using ::testing::ElementsAre;

const absl::Time kSignedAt = absl::FromUnixSeconds(1'800'000'000);

PrivateKey NewKey() {
  return *PrivateKey::Generate(Algorithm::kEdDsa);
}

KeySet Keys(const std::vector<KeySet::Entry>& entries) {
  return *KeySet::Parse(JwksText(entries));
}

class CallContextTest : public ::testing::Test {
 protected:
  CallContextTest() {
    caller_.subject = "person-1";
    caller_.bin = "123456789012";
    caller_.regions = {"71"};
    caller_.purpose = "filing";
    caller_.Grant(v1::ENTITY);
    caller_.Grant(v1::CUSTOMER);
  }

  // Signs whatever `context` says with `key`.
  static std::string Forge(const v1::CallContext& context, const PrivateKey& key) {
    v1::SignedCallContext made;
    made.set_context(context.SerializeAsString());
    made.set_signature(key.Sign(made.context()));
    made.set_key_id(key.public_key().KeyId());
    return made.SerializeAsString();
  }

  v1::CallContext Good() const {
    v1::SignedCallContext outer;
    outer.ParseFromString(gateway_.Sign(caller_, "registry", kSignedAt));
    v1::CallContext context;
    context.ParseFromString(outer.context());
    return context;
  }

  std::string Reason(const std::string& bytes, absl::Time now = kSignedAt) const {
    const auto caller = verifier_.Verify(bytes, now);
    EXPECT_TRUE(caller.ok() || absl::IsUnauthenticated(caller.status()));
    return ReasonOf(caller.status());
  }

  Caller caller_;
  const PrivateKey gateway_key_ = NewKey();
  const PrivateKey service_key_ = NewKey();
  const ContextSigner gateway_{gateway_key_, "gateway"};
  const ContextSigner service_{service_key_, "priority-goods"};
  const ContextVerifier verifier_{FixedKeys(Keys({{"gateway", gateway_key_.public_key()},
                                                  {"priority-goods", service_key_.public_key()}})),
                                  "registry"};
};

TEST_F(CallContextTest, SaysWhoCalls) {
  const std::string bytes = gateway_.Sign(caller_, "registry", kSignedAt);
  const auto seen = verifier_.Verify(bytes, kSignedAt);
  ASSERT_TRUE(seen.ok()) << seen.status();
  Caller expected = caller_;
  expected.actors = {"gateway"};
  EXPECT_EQ(**seen, expected);
  EXPECT_EQ(*verifier_.Verify(bytes, kSignedAt), *seen) << "the second time from the cache";
}

TEST_F(CallContextTest, NobodyIsACallerToo) {
  const auto seen = verifier_.Verify(gateway_.Sign(Caller(), "registry", kSignedAt), kSignedAt);
  ASSERT_TRUE(seen.ok());
  EXPECT_TRUE((*seen)->anonymous());
  v1::CallContext context = Good();
  context.clear_subject();
  EXPECT_EQ(Reason(Forge(context, gateway_key_)), "CONTEXT_INVALID");
}

TEST_F(CallContextTest, ASignerMayHaveSeveralKeysUnderItsName) {
  EXPECT_EQ(SignerOf("gateway"), "gateway");
  EXPECT_EQ(SignerOf("gateway.2026-12"), "gateway");
  const PrivateKey next = NewKey();
  const ContextVerifier both(FixedKeys(Keys({{"gateway", gateway_key_.public_key()},
                                             {"gateway.2", next.public_key()},
                                             {"gateway-2.1", service_key_.public_key()}})),
                             "registry");
  const ContextSigner successor(next, "gateway");
  EXPECT_TRUE(both.Verify(gateway_.Sign(caller_, "registry", kSignedAt), kSignedAt).ok());
  EXPECT_TRUE(both.Verify(successor.Sign(caller_, "registry", kSignedAt), kSignedAt).ok());
  // Not the name of another that begins alike.
  const ContextSigner posing(service_key_, "gateway");
  EXPECT_FALSE(both.Verify(posing.Sign(caller_, "registry", kSignedAt), kSignedAt).ok());
}

TEST_F(CallContextTest, ANewKeyInItsFileSignsFromTheNextLookOn) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/context_", base::RandomUuid());
  ASSERT_TRUE(gateway_key_.Save(path).ok());
  const auto signer = ContextSigner::Open(path, "gateway", kSignedAt);
  ASSERT_TRUE(signer.ok()) << signer.status();
  const std::string before = (*signer)->Sign(caller_, "registry", kSignedAt);
  ASSERT_TRUE(ReplaceFile(path, NewKey().Pem(), 0600).ok());
  const absl::Time later = kSignedAt + absl::Seconds(1);
  EXPECT_NE((*signer)->Sign(caller_, "registry", later), before) << "not the one of the old key";
  EXPECT_TRUE(verifier_.Verify(before, later).ok());
  EXPECT_FALSE(verifier_.Verify((*signer)->Sign(caller_, "registry", later), later).ok());
  ASSERT_TRUE(ReplaceFile(path, PrivateKey::Generate(Algorithm::kEs256)->Pem(), 0600).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ContextSigner::Open(path, "gateway", later).status()));
  ASSERT_TRUE(ReplaceFile(path, NewKey().Pem(), 0644).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ContextSigner::Open(path, "gateway", later).status()));
  std::filesystem::remove(path);
}

TEST_F(CallContextTest, IsSignedOnceForFifteenSeconds) {
  const std::string first = gateway_.Sign(caller_, "registry", kSignedAt);
  EXPECT_EQ(gateway_.Sign(caller_, "registry", kSignedAt + absl::Milliseconds(14'999)), first);
  EXPECT_NE(gateway_.Sign(caller_, "registry", kSignedAt + absl::Seconds(15)), first);
  EXPECT_NE(gateway_.Sign(caller_, "other", kSignedAt), first);
}

TEST_F(CallContextTest, CallersWhoDifferNeverShareOne) {
  std::vector<Caller> others(6, caller_);
  others[0].subject = "person-2";
  others[1].bin.clear();
  others[2].Grant(v1::AUDITOR);
  others[3].regions = {"7", "1"};
  others[4].purpose = "";
  others[5].regions = {};
  std::vector<std::string> all = {gateway_.Sign(caller_, "registry", kSignedAt)};
  for (const Caller& other : others) {
    const std::string bytes = gateway_.Sign(other, "registry", kSignedAt);
    EXPECT_THAT(all, ::testing::Not(::testing::Contains(bytes)));
    all.push_back(bytes);
    Caller expected = other;
    expected.actors.push_back("gateway");
    const auto seen = verifier_.Verify(bytes, kSignedAt);
    ASSERT_TRUE(seen.ok());
    EXPECT_EQ(**seen, expected);
  }
  // Nor do those who came another way, or by another context.
  std::vector<Caller> came(3, caller_);
  came[0].actors = {"71"};
  came[1] = came[0];
  came[1].regions = {};
  came[2] = came[0];
  came[2].received = "another";
  for (const Caller& other : came) {
    const std::string bytes = gateway_.Sign(other, "registry", kSignedAt);
    EXPECT_THAT(all, ::testing::Not(::testing::Contains(bytes)));
    all.push_back(bytes);
  }
}

TEST_F(CallContextTest, ExpiresToTheSecondAlsoFromTheCache) {
  const std::string bytes = gateway_.Sign(caller_, "registry", kSignedAt);
  EXPECT_TRUE(verifier_.Verify(bytes, kSignedAt).ok());
  EXPECT_TRUE(verifier_.Verify(bytes, kSignedAt + absl::Milliseconds(29'999)).ok());
  EXPECT_EQ(Reason(bytes, kSignedAt + absl::Seconds(30)), "CONTEXT_EXPIRED");
  EXPECT_TRUE(verifier_.Verify(bytes, kSignedAt - kContextSkew).ok());
  EXPECT_EQ(Reason(bytes, kSignedAt - kContextSkew - absl::Milliseconds(1)), "CONTEXT_INVALID");
}

TEST_F(CallContextTest, EveryFlippedByteIsRefused) {
  const std::string good = gateway_.Sign(caller_, "registry", kSignedAt);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {1, 16, 128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ bit);
      const auto seen = verifier_.Verify(bad, kSignedAt);
      ASSERT_FALSE(seen.ok()) << "byte " << i << " bit " << bit;
      ASSERT_EQ(ReasonOf(seen.status()), "CONTEXT_INVALID");
    }
  }
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(Reason(good.substr(0, size)), "CONTEXT_INVALID") << size;
  }
}

TEST_F(CallContextTest, ForgeriesAreRefused) {
  const PrivateKey stranger = NewKey();
  EXPECT_EQ(Reason(Forge(Good(), stranger)), "CONTEXT_INVALID");
  EXPECT_EQ(Reason(gateway_.Sign(caller_, "priority-goods", kSignedAt)), "CONTEXT_INVALID")
      << "audience";
  // The key id of the gateway over a stranger's signature.
  v1::SignedCallContext outer;
  outer.ParseFromString(Forge(Good(), stranger));
  outer.set_key_id(gateway_key_.public_key().KeyId());
  EXPECT_EQ(Reason(outer.SerializeAsString()), "CONTEXT_INVALID");
  outer.set_signature("");
  EXPECT_EQ(Reason(outer.SerializeAsString()), "CONTEXT_INVALID");
  EXPECT_EQ(Reason(std::string(kMaxContextBytes + 1, '\0')), "CONTEXT_INVALID");
  EXPECT_EQ(Reason(""), "CONTEXT_INVALID");
}

TEST_F(CallContextTest, WronglyMadeOnesAreRefusedThoughSigned) {
  const auto reason_with = [this](auto change) {
    v1::CallContext context = Good();
    change(context);
    return Reason(Forge(context, gateway_key_));
  };
  EXPECT_EQ(reason_with([](v1::CallContext&) {}), "");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.set_expires_at(c.expires_at() + 1); }),
            "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.set_expires_at(INT64_MAX); }),
            "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.set_issued_at(INT64_MIN); }), "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.set_expires_at(c.issued_at()); }),
            "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.clear_audience(); }), "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.clear_actors(); }), "CONTEXT_INVALID");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.add_actors("priority-goods"); }),
            "CONTEXT_INVALID");
  const auto lengthen = [](v1::CallContext& c, int count) {
    c.clear_actors();
    for (int i = 0; i < count; ++i) {
      c.add_actors("gateway");
    }
  };
  EXPECT_EQ(reason_with([&](v1::CallContext& c) { lengthen(c, 1); }), "");
  EXPECT_EQ(reason_with([&](v1::CallContext& c) { lengthen(c, 2); }), "CONTEXT_INVALID")
      << "nobody goes on through the gateway";
}

// Nobody whom the gateway, or another service, calls for is a service.
TEST_F(CallContextTest, AServiceByItselfIsTheFirstOfItsActors) {
  v1::CallContext context = Good();
  context.set_subject("service:priority-goods");
  EXPECT_EQ(Reason(Forge(context, gateway_key_)), "CONTEXT_INVALID");
  context.clear_actors();
  context.add_actors("priority-goods");
  EXPECT_EQ(Reason(Forge(context, service_key_)), "");
  context.set_subject("service:grants");
  EXPECT_EQ(Reason(Forge(context, service_key_)), "CONTEXT_INVALID");
  context.set_subject("service:");
  EXPECT_EQ(Reason(Forge(context, service_key_)), "CONTEXT_INVALID");
}

TEST_F(CallContextTest, ARoleOfANewerVersionGrantsNothing) {
  v1::CallContext context = Good();
  context.add_roles(static_cast<Role>(30));
  const auto seen = verifier_.Verify(Forge(context, gateway_key_), kSignedAt);
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ((*seen)->roles, caller_.roles);
}

TEST_F(CallContextTest, OnwardCallsCarryTheChainAndNeverMoreRights) {
  const ContextVerifier middle(FixedKeys(Keys({{"gateway", gateway_key_.public_key()}})),
                               "priority-goods");
  const Caller original =
      **middle.Verify(gateway_.Sign(caller_, "priority-goods", kSignedAt), kSignedAt);
  const auto seen =
      verifier_.Verify(OnwardContext(service_, original, "registry", kSignedAt), kSignedAt);
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_THAT((*seen)->actors, ElementsAre("gateway", "priority-goods"));
  EXPECT_EQ((*seen)->subject, caller_.subject);
  EXPECT_EQ((*seen)->roles, caller_.roles);
  const auto narrowed = verifier_.Verify(OnwardContext(service_, original, "registry", kSignedAt,
                                                       (1U << v1::CUSTOMER) | (1U << v1::AUDITOR)),
                                         kSignedAt);
  ASSERT_TRUE(narrowed.ok());
  EXPECT_TRUE((*narrowed)->Has(v1::CUSTOMER));
  EXPECT_FALSE((*narrowed)->Has(v1::ENTITY));
  EXPECT_FALSE((*narrowed)->Has(v1::AUDITOR));
  // A service's key does not speak as the gateway.
  EXPECT_EQ(Reason(Forge(Good(), service_key_)), "CONTEXT_INVALID");
}

// What a service says of others it was told by the gateway, for itself, a while ago; its key alone
// makes nobody a caller.
TEST_F(CallContextTest, AServiceSpeaksForWhoCalledIt) {
  v1::CallContext onward = Good();
  onward.set_received(gateway_.Sign(caller_, "priority-goods", kSignedAt));
  onward.add_actors("priority-goods");
  const auto reason_with = [&](auto change, absl::Time now = kSignedAt) {
    v1::CallContext context = onward;
    change(context);
    return Reason(Forge(context, service_key_), now);
  };
  EXPECT_EQ(reason_with([](v1::CallContext&) {}), "");
  EXPECT_EQ(reason_with([](v1::CallContext& c) { c.clear_roles(); }), "") << "less";
  const std::vector<std::function<void(v1::CallContext&)>> wrong = {
      [](v1::CallContext& c) { c.clear_received(); },
      [](v1::CallContext& c) { c.set_received("junk"); },
      [](v1::CallContext& c) { c.set_subject("person-2"); },
      [](v1::CallContext& c) { c.set_bin("123456789013"); },
      [](v1::CallContext& c) { c.set_purpose("looking"); },
      [](v1::CallContext& c) { c.add_roles(v1::AUDITOR); },
      [](v1::CallContext& c) { c.clear_regions(); },
      [](v1::CallContext& c) { c.add_regions("75"); },
      [](v1::CallContext& c) { c.set_actors(0, "priority-goods"); },
      // By itself alone, for another.
      [](v1::CallContext& c) {
        c.clear_actors();
        c.add_actors("priority-goods");
      },
      // Of whoever called another service.
      [&](v1::CallContext& c) { c.set_received(gateway_.Sign(caller_, "registry", kSignedAt)); },
      // What the gateway is to have said, by its own key.
      [&](v1::CallContext& c) {
        v1::CallContext made = Good();
        made.set_audience("priority-goods");
        c.set_received(Forge(made, service_key_));
      },
      // As if it had called itself, twice.
      [&](v1::CallContext& c) {
        v1::CallContext made = Good();
        made.set_audience("priority-goods");
        made.clear_actors();
        made.add_actors("priority-goods");
        c.set_received(Forge(made, service_key_));
        c.set_actors(0, "priority-goods");
      },
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_EQ(reason_with(wrong[i]), "CONTEXT_INVALID") << i;
  }
  // For as long as a call may last before it asks, and not for what comes later.
  const auto made_after = [&](absl::Duration after) {
    const absl::Time made = kSignedAt + after;
    return reason_with(
        [made](v1::CallContext& c) {
          c.set_issued_at(absl::ToUnixSeconds(made));
          c.set_expires_at(c.issued_at() + 30);
        },
        made);
  };
  EXPECT_EQ(made_after(kContextCarried - absl::Seconds(1)), "");
  EXPECT_EQ(made_after(kContextCarried), "CONTEXT_INVALID");
  EXPECT_EQ(made_after(-kContextSkew - absl::Seconds(1)), "CONTEXT_INVALID");
}

TEST_F(CallContextTest, AChainIsHeldToTheGatewayLinkByLink) {
  const PrivateKey middle_key = NewKey();
  const KeySet keys = Keys({{"gateway", gateway_key_.public_key()},
                            {"grants", middle_key.public_key()},
                            {"priority-goods", service_key_.public_key()}});
  const ContextVerifier grants(FixedKeys(keys), "grants"), goods(FixedKeys(keys), "priority-goods"),
      last(FixedKeys(keys), "registry");
  const ContextSigner middle(middle_key, "grants");
  const auto at_grants = grants.Verify(gateway_.Sign(caller_, "grants", kSignedAt), kSignedAt);
  ASSERT_TRUE(at_grants.ok());
  const auto at_goods =
      goods.Verify(OnwardContext(middle, **at_grants, "priority-goods", kSignedAt), kSignedAt);
  ASSERT_TRUE(at_goods.ok()) << at_goods.status();
  const auto at_last =
      last.Verify(OnwardContext(service_, **at_goods, "registry", kSignedAt), kSignedAt);
  ASSERT_TRUE(at_last.ok()) << at_last.status();
  EXPECT_THAT((*at_last)->actors, ElementsAre("gateway", "grants", "priority-goods"));
  Caller forged = **at_goods;
  forged.actors = {"gateway"};  // as if the gateway had said so
  EXPECT_FALSE(last.Verify(OnwardContext(service_, forged, "registry", kSignedAt), kSignedAt).ok());
  // One that a service made by itself goes on as that, and by the next as well.
  Caller itself;
  itself.subject = "service:grants";
  itself.Grant(v1::INSTITUTE_INDUSTRY);
  const auto by_itself = goods.Verify(middle.Sign(itself, "priority-goods", kSignedAt), kSignedAt);
  ASSERT_TRUE(by_itself.ok());
  const auto onward =
      last.Verify(OnwardContext(service_, **by_itself, "registry", kSignedAt), kSignedAt);
  ASSERT_TRUE(onward.ok()) << onward.status();
  EXPECT_THAT((*onward)->actors, ElementsAre("grants", "priority-goods"));
  // Of whom the longest token says much, which each link says again.
  caller_.purpose = std::string(2'800, 'p');
  const auto much = grants.Verify(gateway_.Sign(caller_, "grants", kSignedAt), kSignedAt);
  ASSERT_TRUE(much.ok());
  const auto more =
      goods.Verify(OnwardContext(middle, **much, "priority-goods", kSignedAt), kSignedAt);
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_TRUE(last.Verify(OnwardContext(service_, **more, "registry", kSignedAt), kSignedAt).ok());
}

// While processes of an older release are replaced, which do not send what they received.
TEST_F(CallContextTest, OlderServicesAreBelievedWhereThatIsSaid) {
  v1::CallContext onward = Good();
  onward.add_actors("priority-goods");
  const std::string bytes = Forge(onward, service_key_);
  EXPECT_EQ(Reason(bytes), "CONTEXT_INVALID");
  const ContextVerifier lenient(FixedKeys(Keys({{"gateway", gateway_key_.public_key()},
                                                {"priority-goods", service_key_.public_key()}})),
                                "registry", ContextVerifier::kCapacity, Carried::kOnItsWord);
  EXPECT_TRUE(lenient.Verify(bytes, kSignedAt).ok());
  // What is sent has to hold, and nobody is a caller by a service's own word alone.
  onward.set_received("junk");
  EXPECT_FALSE(lenient.Verify(Forge(onward, service_key_), kSignedAt).ok());
  onward.clear_received();
  onward.clear_actors();
  onward.add_actors("priority-goods");
  EXPECT_FALSE(lenient.Verify(Forge(onward, service_key_), kSignedAt).ok());
}

TEST_F(CallContextTest, AWithdrawnKeyIsRefusedAtOnce) {
  auto keys = std::make_shared<const KeySet>(Keys({{"gateway", gateway_key_.public_key()}}));
  const ContextVerifier verifier([&keys](absl::Time) { return keys; }, "registry");
  const std::string bytes = gateway_.Sign(caller_, "registry", kSignedAt);
  EXPECT_TRUE(verifier.Verify(bytes, kSignedAt).ok());
  keys = std::make_shared<const KeySet>(Keys({{"gateway", service_key_.public_key()}}));
  EXPECT_FALSE(verifier.Verify(bytes, kSignedAt).ok());
  keys = nullptr;
  EXPECT_FALSE(verifier.Verify(bytes, kSignedAt).ok());
}

TEST_F(CallContextTest, NoMessageSaysWhichCheckFailed) {
  std::string why;
  const auto audience =
      verifier_.Verify(gateway_.Sign(caller_, "other", kSignedAt), kSignedAt, &why);
  EXPECT_EQ(why, "audience");
  const auto junk = verifier_.Verify("junk", kSignedAt, &why);
  EXPECT_EQ(audience.status(), junk.status());
  EXPECT_NE(why, "audience");
}

}  // namespace
}  // namespace nisi::rpc

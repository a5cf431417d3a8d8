// An import from CSV: every row has its report, what is reported as entered is of good form and
// covers nothing twice, and a trial run changes nothing.
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "common/base/clock.h"
#include "common/base/csv.h"
#include "common/base/hash.h"
#include "common/rpc/form.h"
#include "common/store/mem_engine.h"
#include "services/priority_goods/rpcs.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::import_rows_target {
namespace {

using google::protobuf::FieldDescriptor;
using priority_goods::Env;
using priority_goods::v1::ImportEntriesRequest;
using rpc::v1::ImportReport;
using Report = ImportReport::Row;
using Row = ImportEntriesRequest::Row;

const absl::Time kNow = absl::FromUnixSeconds(1'781'500'000);
constexpr char kTaken[] = "9503";

// A register with one draft that has one entry.
store::Store& Register() {
  static auto* const kStore = [] {
    static base::FakeClock clock(kNow);
    store::Store::Options options;
    options.clock = &clock;
    options.background = false;
    auto opened = store::Store::Open(store::OpenMem(), priority_goods::PriorityGoodsSchema(),
                                     std::move(options));
    Expect(opened.ok(), "the register opens");
    const auto filled =
        (*opened)->Write({.actor = "tester"}, [](store::Tx& tx) -> absl::StatusOr<std::string> {
          priority_goods::EditionRow edition;
          edition.set_number(1);
          edition.mutable_edition()->set_name("editions/1");
          edition.mutable_edition()->set_state(priority_goods::v1::Edition::DRAFT);
          RETURN_IF_ERROR(tx.Put(priority_goods::kEditions, &edition));
          priority_goods::EntryRow entry;
          entry.set_edition(1);
          entry.mutable_entry()->set_goods_code(kTaken);
          RETURN_IF_ERROR(tx.Put(priority_goods::kEntries, &entry));
          return std::string();
        });
    Expect(filled.ok(), "the draft is made");
    return opened->release();
  }();
  return *kStore;
}

// The rows of the text, its columns named as the fields are.
std::vector<Row> ReadRows(std::istream* text) {
  std::vector<Row> rows;
  base::CsvReader csv(text);
  if (!csv.ReadHeader({}).ok()) return rows;
  std::vector<const FieldDescriptor*> fields;
  for (const std::string& name : csv.header()) {
    fields.push_back(Row::descriptor()->FindFieldByName(name));
  }
  for (auto more = csv.Next(); more.ok() && *more; more = csv.Next()) {
    Row& row = rows.emplace_back();
    row.set_row_number(static_cast<int32_t>(csv.line()));
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] == nullptr || fields[i]->cpp_type() != FieldDescriptor::CPPTYPE_STRING)
        continue;
      Row::GetReflection()->SetString(&row, fields[i], csv.row()[i]);
    }
  }
  return rows;
}

// What the import of the rows answers, in messages of a few rows each.
ImportReport Import(const std::vector<Row>& rows) {
  rpc::MethodPolicy method;
  method.path = "/nisi.priority_goods.v1.PriorityGoodsService/ImportEntries";
  auto caller = std::make_shared<rpc::Caller>();
  caller->subject = "aigul@institute";
  caller->Grant(rpc::v1::INSTITUTE_INDUSTRY);
  rpc::Call call;
  call.method = &method;
  call.caller = caller;
  call.now = kNow;
  call.deadline = absl::InfiniteFuture();
  Env env;
  env.store = &Register();
  const auto sink = priority_goods::ImportEntries(env, call);
  Expect(sink.ok(), "an import begins");
  ImportEntriesRequest message;
  message.mutable_header()->set_parent("editions/1");
  message.mutable_header()->set_request_id("00000000-0000-4000-8000-000000000001");
  message.mutable_header()->set_dry_run(true);
  message.mutable_header()->set_row_count(static_cast<int32_t>(rows.size()));
  Expect((*sink)->Push(message).ok(), "the header is taken");
  for (size_t i = 0; i < rows.size();) {
    message.Clear();
    for (size_t n = 0; n < 3 && i < rows.size(); ++n)
      *message.mutable_rows()->add_rows() = rows[i++];
    Expect((*sink)->Push(message).ok(), "rows are taken");
  }
  const auto bytes = (*sink)->Finish(call);
  ImportReport response;
  Expect(bytes.ok() && response.ParseFromString(*bytes), "the import is answered");
  return response;
}

void CheckReports(const std::vector<Row>& rows, const ImportReport& response) {
  Expect(response.rows_size() == static_cast<int>(rows.size()), "every row has its report");
  Expect(response.entered_count() + response.refused_count() + response.invalid_count() ==
             response.rows_size(),
         "every row is counted");
  Expect(!response.committed(), "a trial run enters nothing");
  static const auto* const kForm = new rpc::FormChecker(priority_goods::v1::Entry::descriptor());
  std::set<std::string> codes{kTaken};
  for (size_t i = 0; i < rows.size(); ++i) {
    const Report& report = response.rows(static_cast<int>(i));
    Expect(report.row_number() == rows[i].row_number(), "reports come in the order of rows");
    if (report.outcome() != Report::ENTERED) {
      Expect(!report.reason().empty() && !report.description().empty(), "it is said what is wrong");
      continue;
    }
    priority_goods::v1::Entry entry;
    entry.set_goods_code(rows[i].goods_code());
    entry.set_name_kk(rows[i].name_kk());
    entry.set_name_ru(rows[i].name_ru());
    entry.set_name_en(rows[i].name_en());
    entry.set_sector(rows[i].sector());
    entry.set_processing_level(priority_goods::v1::HIGH);
    entry.set_oked(rows[i].oked());
    entry.set_kpved(rows[i].kpved());
    entry.set_note(rows[i].note());
    Expect(kForm->Check(&entry).ok(), "what enters is of good form");
    for (const std::string& code : codes) {
      Expect(!absl::StartsWith(code, entry.goods_code()) &&
                 !absl::StartsWith(entry.goods_code(), code),
             "no good is covered twice");
    }
    codes.insert(entry.goods_code());
  }
}

}  // namespace

NISI_FUZZ_TARGET(import_rows) {
  Input in(data, size);
  std::istringstream text{std::string(in.Rest())};
  const auto rows = ReadRows(&text);
  if (rows.empty()) return 0;
  const int64_t before = Register().position();
  const auto response = Import(rows);
  Expect(Register().position() == before, "a trial run changes nothing");
  CheckReports(rows, response);
  return 0;
}

}  // namespace nisi::fuzz::import_rows_target

// The functions behind ClusterSupportService, one a method.
#pragma once

#include "common/cases/gate.h"
#include "nisi/clusters/v1/supports.pb.h"
#include "services/clusters/rpcs.h"
#include "services/clusters/rules_support.h"

namespace nisi::clusters {

absl::StatusOr<v1::Support> RequestSupport(Env&, const Call&, store::Tx&,
                                           const v1::RequestSupportRequest&);
absl::StatusOr<v1::Support> WithdrawSupport(Env&, const Call&, store::Tx&,
                                            const v1::WithdrawSupportRequest&);
absl::StatusOr<gate::v1::Notice> RecordNotice(Env&, const Call&, store::Tx&,
                                              const gate::v1::RecordNoticeRequest&);
absl::StatusOr<Encoded<gate::v1::Notice>> GetNotice(Env&, Call&, const gate::v1::GetNoticeRequest&);
absl::StatusOr<Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    Env&, Call&, const gate::v1::ListNoticesRequest&);
absl::StatusOr<v1::Support> ExamineSupport(Env&, Call&, const v1::ExamineSupportRequest&);
absl::StatusOr<v1::Support> DecideSupport(Env&, const Call&, store::Tx&,
                                          const v1::DecideSupportRequest&);
absl::StatusOr<v1::Payment> PaySupport(Env&, Call&, const v1::PaySupportRequest&);
absl::StatusOr<v1::Support> RecordReturn(Env&, const Call&, store::Tx&,
                                         const v1::RecordReturnRequest&);
absl::StatusOr<v1::Support> ReverseReturn(Env&, const Call&, store::Tx&,
                                          const v1::ReverseReturnRequest&);
absl::StatusOr<v1::Support> CompleteSupport(Env&, const Call&, store::Tx&,
                                            const v1::CompleteSupportRequest&);
absl::StatusOr<Encoded<v1::Support>> GetSupport(Env&, Call&, const v1::GetSupportRequest&);
absl::StatusOr<Encoded<v1::ListSupportsResponse>> ListSupports(Env&, Call&,
                                                               const v1::ListSupportsRequest&);
absl::StatusOr<Encoded<v1::ListPaymentsResponse>> ListPayments(Env&, Call&,
                                                               const v1::ListPaymentsRequest&);

}  // namespace nisi::clusters

#include "common/http2/places.h"

#include <tuple>
#include <utility>

namespace nisi::http2 {
namespace {

// Addresses that are remembered without a connection, for what they spent.
constexpr size_t kMaxSources = 10'000;

}  // namespace

Place::~Place() {
  const std::lock_guard<std::mutex> lock(places_->mutex_);
  if (!std::exchange(left_, true)) places_->Leave(this);
}

std::shared_ptr<Place> Places::Take(const std::string& address, absl::Time now,
                                    std::function<void(const Place*)> leave) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Source> source = SourceOf(address);
  const bool within = address.empty();  // this process, or this machine by a file
  if (!within && source->arrivals.Take(now).has_value()) {
    refusals_->Count(Refused::kArrivals);
    return nullptr;
  }
  const bool source_full =
      limits_.max_connections_of_source != 0 && source->places >= limits_.max_connections_of_source;
  const bool full = limits_.max_connections != 0 && taken_ >= limits_.max_connections;
  if (!within && (source_full || full)) {
    refusals_->Count(Refused::kConnections);
    Place* const other = ToLeave(*source, source_full);
    if (other == nullptr) return nullptr;
    other->left_ = true;
    Leave(other);
    other->leave_(other);
  }
  std::shared_ptr<Place> place(new Place());
  place->places_ = shared_from_this();
  place->address_ = address;
  place->source_ = std::move(source);
  place->leave_ = std::move(leave);
  place->used_ns_ = absl::ToUnixNanos(now);
  ++place->source_->places;
  ++taken_;
  places_.insert(place.get());
  return place;
}

size_t Places::taken() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return taken_;
}

// Of those who have more than the newcomer, or of its own where that is full: of the source that
// has most, and of that one without calls and the longest so. Where all have the same, who has no
// calls makes place, so that whoever only holds a place keeps nobody out.
Place* Places::ToLeave(const Source& newcomer, bool own) const {
  Place* found = nullptr;
  for (Place* const place : places_) {
    const bool more = place->source_->places > newcomer.places + 1;
    if (own ? place->source_.get() != &newcomer || place->busy_ : place->busy_ && !more) continue;
    const auto rank = [](const Place& one) {
      return std::tuple(one.source_->places, !one.busy_.load(), -one.used_ns_.load());
    };
    if (found == nullptr || rank(*place) > rank(*found)) found = place;
  }
  return found;
}

void Places::Leave(Place* place) {
  places_.erase(place);
  --place->source_->places;
  --taken_;
}

std::shared_ptr<Source> Places::SourceOf(const std::string& address) {
  if (sources_.size() > kMaxSources) {
    absl::erase_if(sources_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  std::shared_ptr<Source>& source = sources_[address];
  if (source == nullptr) source = std::make_shared<Source>(limits_.arrivals_of_source);
  return source;
}

}  // namespace nisi::http2

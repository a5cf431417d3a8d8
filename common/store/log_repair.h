// What a power cut may leave at the end of RocksDB's logs and RocksDB takes for damage: see
// log_tail.h. Private to rocks_engine.cc.
#pragma once

#include <string>

#include "rocksdb/env.h"
#include "rocksdb/status.h"

namespace nisi::store {

// Cuts zeros off that stand in place of the end of the last record, in the newest log with anything
// in it and in the manifest. What is cut was never synced, and so never acknowledged; should it
// have been, the witness has seen it. Says so in the log. Does nothing to any other file or damage.
rocksdb::Status CutUnwrittenTails(rocksdb::Env& env, const std::string& dir);

}  // namespace nisi::store

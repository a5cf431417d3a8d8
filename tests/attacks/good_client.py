"""A good client under an attack: a hundred calls a second by python3-grpcio, and a stream each second, whether or not the ones before have been
answered, as long as there are not so many under way that one more would be refused. Prints a line a call, as its answer comes: when it was sent, how long it took (both in seconds) and its code.
Runs until its standard input is closed.

usage: good_client.py <port> <ca file or -> <facts file> <seconds that a call has>
"""
import json
import pathlib
import sys
import threading
import time

import grpc

EVERY = 0.01
NEW_EVERY = 50  # calls: one of so many comes over a connection of its own
STREAM_EVERY = 97  # calls: beside one of so many, a stream is opened, up to its first message
UNDER_WAY = 30  # at most: so many of a caller may wait in line however long that is (Capacity::Options::few)


def channel_to(port, ca, number):
    # The number keeps gRPC from giving all of them one connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 50), ("nisi.number", number),
               ("grpc.min_reconnect_backoff_ms", 10_000), ("grpc.max_reconnect_backoff_ms", 200)]
    if not ca:
        return grpc.insecure_channel(f"127.0.0.1:{port}", options)
    credentials = grpc.ssl_channel_credentials(pathlib.Path(ca).read_bytes())
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)


def main():
    port, ca, facts_file, patience = sys.argv[1:]
    ca = None if ca == "-" else ca
    facts = json.loads(pathlib.Path(facts_file).read_text())
    body, metadata = bytes.fromhex(facts["body"]), [("authorization", "Bearer " + facts["good_token"])]
    lock, over, free = threading.Lock(), threading.Event(), threading.BoundedSemaphore(UNDER_WAY)
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()

    def call(channel, kind):
        free.acquire()
        begun = time.monotonic()

        def done(future):
            took = time.monotonic() - begun
            free.release()
            with lock:
                print(json.dumps([begun, took, future.code().name, kind]), flush=True)
            if kind == "new":
                threading.Thread(target=channel.close, daemon=True).start()

        channel.unary_unary(facts["path"]).future(body, metadata=metadata, timeout=float(patience)).add_done_callback(done)

    def stream():
        begun, code = time.monotonic(), "OK"
        messages = kept.unary_stream(facts["stream_path"])(bytes.fromhex(facts["stream_body"]), metadata=metadata,
                                                           timeout=float(patience))
        try:
            next(messages)
        except grpc.RpcError as error:
            code = error.code().name
        messages.cancel()
        with lock:
            print(json.dumps([begun, time.monotonic() - begun, code, "stream"]), flush=True)

    kept = channel_to(port, ca, 0)
    grpc.channel_ready_future(kept).result(60)
    number, due = 0, time.monotonic()
    while not over.is_set():
        number += 1
        if number % STREAM_EVERY == 0:
            threading.Thread(target=stream, daemon=True).start()
        if number % NEW_EVERY:
            call(kept, "kept")
        else:
            call(channel_to(port, ca, number), "new")
        due = max(due + EVERY, time.monotonic() - 0.3)  # no storm after a pause of the whole machine
        time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    main()

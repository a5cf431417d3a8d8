"""Makes the dashboards beside this file: what they show is said here in a line each, how Grafana wants it said once.

make.py [FOLDER]    writes suite.json, service.json, money.json and deadlines.json, by default where it lies
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
WIDTH = 24
IN = 'namespace=~"$namespace"'
OF = IN + ',process=~"$process"'
UNARY = 'grpc_type!~"server_stream|bidi_stream"'
RATE = "[$__rate_interval]"
TENGE = "currency:₸"  # Grafana has no word for it, but takes any sign


def stat(title, unit, query, width=6, red_below=None, red_from=None):
    """One number; red on the wrong side of a bound."""
    steps = [{"color": "green", "value": None}]
    if red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": red_below}]
    if red_from is not None:
        steps.append({"color": "red", "value": red_from})
    return {"type": "stat", "title": title, "size": (width, 4), "queries": [(query, "")], "unit": unit, "steps": steps}


def lines(title, unit, *queries, width=12, stacked=False):
    """Lines over time; each query with the legend of its series."""
    return {"type": "timeseries", "title": title, "size": (width, 8), "queries": queries, "unit": unit, "stacked": stacked}


def quantile(share, by, matchers, name="grpc_server_handling_seconds"):
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({name}_bucket{{{matchers}}}{RATE})))"


def per_second(by, metric, matchers=OF):
    return f"sum by ({by}) (rate({metric}{{{matchers}}}{RATE}))"


GATEWAY = IN + ',process="gateway"'
OVER_MONTH = (f"avg_over_time(nisi:failed_calls:rate5m{{{GATEWAY}}}[30d])"
              f" / avg_over_time(nisi:calls:rate5m{{{GATEWAY}}}[30d])")
SLOW_OVER_MONTH = OVER_MONTH.replace("failed_calls", "slow_calls")

DASHBOARDS = {
    "suite": ("NISI: suite", "What callers are promised and get, and how full each process is.", False, [
        stat("Processes that answer", "short", 'sum(up{job=~"nisi.*"})'),
        stat("Alerts that fire", "short", 'count(ALERTS{alertname=~"Nisi.*",alertstate="firing"}) or vector(0)', red_from=1),
        stat("Errors left of 30 days", "percentunit", f"1 - ({OVER_MONTH}) / 0.001", red_below=0),
        stat("Slow calls left of 30 days", "percentunit", f"1 - ({SLOW_OVER_MONTH}) / 0.01", red_below=0),
        lines("Calls", "reqps", (f"nisi:calls:rate5m{{{IN}}}", "{{process}}")),
        lines("Failed calls", "percentunit", (f"nisi:failed_calls:ratio5m{{{IN}}}", "{{process}}")),
        lines("99 of 100 calls take at most", "s", (f"nisi:call_seconds:p99_5m{{{IN}}}", "{{process}}")),
        lines("Calls of more than 250 ms", "percentunit", (f"nisi:slow_calls:ratio5m{{{IN}}}", "{{process}}")),
        lines("Faster than evenly the errors are used up by", "none",
              (f"nisi:failed_calls:ratio5m{{{GATEWAY}}} / 0.001", "5 min"),
              (f"nisi:failed_calls:ratio1h{{{GATEWAY}}} / 0.001", "1 h"),
              (f"nisi:failed_calls:ratio6h{{{GATEWAY}}} / 0.001", "6 h"),
              (f"nisi:failed_calls:ratio3d{{{GATEWAY}}} / 0.001", "3 d")),
        lines("Clients", "short", (f"nisi_gateway_connections{{{IN}}}", "connected"),
              (f"nisi_gateway_live_calls{{{IN}}}", "calls under way"),
              (f"nisi_gateway_waiting_calls{{{IN}}}", "calls in line"),
              (f"nisi_gateway_calls_bound{{{IN}}}", "calls at once, at most")),
        lines("Refused at the door", "reqps",
              (f"rate(nisi_gateway_overloaded_total{{{IN}}}{RATE})", "overloaded: {{rank}}"),
              (f"rate(nisi_gateway_refused_tokens_total{{{IN}}}{RATE})", "bad tokens"),
              (f"rate(nisi_gateway_refused_arrivals_total{{{IN}}}{RATE})", "arrivals"),
              (f"rate(nisi_gateway_refused_frames_total{{{IN}}}{RATE})", "no HTTP/2")),
        lines("In line", "short", (f"nisi_store_queue_depth{{{IN}}}", "{{process}}: for the writer"),
              (f"nisi_executor_queue_depth{{{IN}}}", "{{process}}: for a thread")),
        lines("99 of 100 commits take at most", "s", (f"nisi:commit_seconds:p99_5m{{{IN}}}", "{{process}}")),
        lines("Disk that is left", "bytes", (f"nisi_store_disk_free_bytes{{{IN}}}", "{{process}}"),
              (f"max(nisi_store_disk_reserve_bytes{{{IN}}})", "reserve")),
        lines("Processors", "none", (f"rate(process_cpu_seconds_total{{{IN}}}{RATE})", "{{process}}")),
        lines("Memory", "bytes", (f"process_resident_memory_bytes{{{IN}}}", "{{process}}")),
    ]),
    "service": ("NISI: service", "One process: its calls, its store, whom it asks, and what it takes.", True, [
        # The process of a store that stops ends, mostly unscraped: the next one tells of it. As the alerts, for a day.
        stat("Stores that failed within a day", "short",
             f"count(max_over_time(nisi_store_failed{{{OF}}}[5m]) > 0 or min without (kind)"
             f" (time() - nisi_store_last_failure_timestamp_seconds{{{OF}}}) < 86400) or vector(0)", red_from=1),
        stat("Entries the witness lacks", "short", f"max(nisi_store_witness_lag{{{OF}}})", red_from=1),
        stat("Age of the oldest newest backup", "s",
             f"time() - min(nisi_store_backup_last_success_timestamp_seconds{{{OF}}})", red_from=10800),
        stat("First certificate ends in", "s",
             f"min(nisi_tls_certificate_expiry_timestamp_seconds{{{OF}}}) - time()", red_below=1209600),
        lines("Calls by method", "reqps", (f"topk(10, {per_second('grpc_method', 'grpc_server_started_total')})",
                                           "{{grpc_method}}")),
        lines("Calls by code", "reqps", (f"{per_second('grpc_code', 'grpc_server_handled_total')} > 0", "{{grpc_code}}")),
        lines("Calls take", "s", *((quantile(share, "process", f"{OF},{UNARY}"), f"{{{{process}}}}: {name}")
                                   for share, name in ((0.5, "half"), (0.99, "99 of 100")))),
        lines("Slowest methods, 99 of 100", "s",
              (f"topk(10, {quantile(0.99, 'grpc_method', f'{OF},{UNARY}')} >= 0)", "{{grpc_method}}")),
        lines("Commits", "none", (per_second("process", "nisi_store_commit_seconds_count"), "{{process}}: a second"),
              (f"{per_second('process', 'nisi_store_commit_commands_sum')}"
               f" / {per_second('process', 'nisi_store_commit_commands_count')}", "{{process}}: commands in one")),
        lines("Commits take", "s", *((quantile(share, "process", OF, "nisi_store_commit_seconds"), f"{{{{process}}}}: {name}")
                                     for share, name in ((0.5, "half"), (0.99, "99 of 100")))),
        lines("In line", "short", (f"nisi_store_queue_depth{{{OF}}}", "{{process}}: for the writer"),
              (f"nisi_executor_queue_depth{{{OF}}}", "{{process}}: for a thread")),
        lines("Journal", "short", (f"nisi_store_position{{{OF}}}", "{{process}}: entries")),
        lines("RocksDB holds", "bytes", (f"nisi_store_rocksdb_table_file_bytes{{{OF}}}", "{{process}}: files"),
              (f"nisi_store_rocksdb_estimate_live_bytes{{{OF}}}", "{{process}}: live"),
              (f"nisi_store_rocksdb_memtable_bytes{{{OF}}}", "{{process}}: not yet in files"),
              (f"nisi_store_rocksdb_block_cache_bytes{{{OF}}}", "{{process}}: cache")),
        lines("RocksDB has to do", "short", (f"nisi_store_rocksdb_level0_files{{{OF}}}", "{{process}}: files"),
              (f"nisi_store_rocksdb_background_errors_total{{{OF}}}", "{{process}}: errors")),
        lines("Bytes written", "Bps", (per_second("process", "nisi_store_rocksdb_written_bytes_total"), "{{process}}")),
        lines("Age of the last scrub", "s",
              (f"time() - (nisi_store_scrub_last_end_timestamp_seconds{{{OF}}} > 0)", "{{process}}"),
              (f"nisi_store_scrub_last_took_seconds{{{OF}}}", "{{process}}: took")),
        lines("Asks others", "reqps", (per_second("process, peer", "grpc_client_started_total"), "{{process}} {{peer}}")),
        lines("Others take, 99 of 100", "s",
              (quantile(0.99, "process, peer", OF, "grpc_client_handling_seconds"), "{{process}} {{peer}}")),
        lines("Others do not answer", "short", (f"nisi_peer_waiting{{{OF}}}", "{{process}}: wait"),
              (f"nisi_peer_resting{{{OF}}}", "{{process}}: left alone"),
              (f"rate(nisi_peer_retries_total{{{OF}}}{RATE})", "{{process}}: asked again a second"),
              (f"rate(nisi_peer_refused_total{{{OF}}}{RATE})", "{{process}}: not asked a second")),
        lines("Messages to others", "short", (f"nisi_outbox_pending{{{OF}}}", "{{process}}: wait"),
              (f"nisi_outbox_failing_targets{{{OF}}}", "{{process}}: targets that fail"),
              (f"rate(nisi_outbox_delivered_total{{{OF}}}{RATE})", "{{process}}: delivered a second")),
        lines("Backups", "bytes", (f"nisi_store_backup_last_size_bytes{{{OF}}}", "{{process}}")),
        lines("Log that waits for a backup", "bytes", (f"nisi_store_kept_log_bytes{{{OF}}}", "{{process}}"),
              (f"nisi_store_kept_log_limit_bytes{{{OF}}}", "{{process}}: at most"),
              (f"nisi_store_disk_free_bytes{{{OF}}} - nisi_store_disk_reserve_bytes{{{OF}}}", "{{process}}: room for it")),
        lines("Processors", "none", (f"rate(process_cpu_seconds_total{{{OF}}}{RATE})", "{{process}}")),
        lines("Memory", "bytes", (f"process_resident_memory_bytes{{{OF}}}", "{{process}}")),
        lines("Open files", "short", (f"process_open_fds{{{OF}}}", "{{process}}")),
    ]),
    "money": ("NISI: money", "Budgets of the programmes in the years that are not closed, and what moves them.", False, [
        stat("Given", TENGE, f"sum(nisi_budget_tenge{{{IN}}})"),
        stat("Free to decide on", TENGE, f'sum(nisi_budget_tenge{{{IN},bucket="available"}})'),
        stat("Paid", TENGE, f'sum(nisi_budget_tenge{{{IN},bucket="paid"}})'),
        stat("Least that a programme of this year has left", "percentunit",
             f"min(nisi_budget_least_available_ratio{{{IN}}})", red_below=0.1),
        lines("Money by where it stands", TENGE,
              (f"sum by (bucket) (nisi_budget_tenge{{{IN}}})", "{{bucket}}"), stacked=True),
        lines("Money by register", TENGE,
              (f"sum by (process, bucket) (nisi_budget_tenge{{{IN}}})", "{{process}}: {{bucket}}")),
        lines("Least that a programme of this year has left", "percentunit",
              (f"nisi_budget_least_available_ratio{{{IN}}}", "{{process}}")),
        lines("Paid in a day", TENGE,
              (f'sum by (process) (delta(nisi_budget_tenge{{{IN},bucket="paid"}}[1d]))', "{{process}}")),
        lines("Steps with money that were taken", "reqps", (
            "sum by (process, grpc_method) (rate(grpc_server_handled_total{" + IN + ',process!="gateway",grpc_code="OK",'
            f'grpc_method=~"AllocateBudget|.*Pay.*|.*Repay.*|CloseYear|ReversePosting"}}{RATE})) > 0',
            "{{process}} {{grpc_method}}")),
        lines("The same, refused", "reqps", (
            "sum by (process, grpc_method) (rate(grpc_server_handled_total{" + IN + ',process!="gateway",'
            f'grpc_code="FailedPrecondition",grpc_method=~"AllocateBudget|.*Pay.*|.*Repay.*|CloseYear|ReversePosting"}}{RATE}))',
            "{{process}} {{grpc_method}}")),
        lines("Demands of which the register of grants refuses to hear", "short",
              (f"nisi_export_refunds_debts_refused{{{IN}}}", "{{process}}")),
    ]),
    "deadlines": ("NISI: deadlines", "What the law gives a last day, whose duty it is, and what was not done in time.", True, [
        stat("Open", "short", f"sum(nisi_deadlines_open{{{OF}}})"),
        stat("Overdue", "short", f'sum(nisi_deadlines_open{{{OF},overdue="true"}})', red_from=1),
        stat("Passed unmet in 30 days", "short", f"sum(increase(nisi_deadlines_overdue_total{{{OF}}}[30d]))"),
        stat("Ends that a record refused, in 30 days", "short",
             f"sum(increase(nisi_deadlines_refused_total{{{OF}}}[30d]))", red_from=1),
        lines("Overdue, by whose duty it is", "short",
              (f'sum by (role) (nisi_deadlines_open{{{OF},overdue="true"}})', "{{role}}"), stacked=True),
        lines("Overdue, by register", "short",
              (f'sum by (process) (nisi_deadlines_open{{{OF},overdue="true"}})', "{{process}}"), stacked=True),
        lines("Open, by whose duty it is", "short",
              (f'sum by (role) (nisi_deadlines_open{{{OF},overdue="false"}})', "{{role}}"), stacked=True),
        lines("Open, by register", "short",
              (f'sum by (process) (nisi_deadlines_open{{{OF},overdue="false"}})', "{{process}}"), stacked=True),
        lines("Passed unmet in a day", "short",
              (f"sum by (process) (increase(nisi_deadlines_overdue_total{{{OF}}}[1d]))", "{{process}}")),
        lines("Lists of goods that the database of suppliers refuses", "short",
              (f"nisi_contracts_publications_refused{{{IN}}}", "{{process}}")),
        lines("Messages that wait for another register", "short", (f"nisi_outbox_pending{{{OF}}}", "{{process}}")),
    ]),
}

SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def variable(name, metric):
    """A choice of label values; all of them at first, and those who do not have the label."""
    return {"name": name, "type": "query", "datasource": SOURCE, "query": f"label_values({metric}, {name})", "refresh": 2,
            "includeAll": True, "allValue": ".*", "multi": True, "sort": 1,
            "current": {"text": ["All"], "value": ["$__all"]}}


def placed(panels):
    """Row by row from the left."""
    x = y = tallest = 0
    for panel in panels:
        width, height = panel["size"]
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        yield panel, {"x": x, "y": y, "w": width, "h": height}
        x, tallest = x + width, max(tallest, height)


def panel_of(number, panel, place):
    custom = {"fillOpacity": 10, "showPoints": "never"}
    if panel.get("stacked"):
        custom["stacking"] = {"mode": "normal", "group": "A"}
    defaults = {"unit": panel["unit"]}
    if panel["type"] == "timeseries":
        defaults |= {"custom": custom, "min": 0} if panel["unit"] != TENGE else {"custom": custom}
    else:
        defaults["thresholds"] = {"mode": "absolute", "steps": panel["steps"]}
    return {"id": number, "type": panel["type"], "title": panel["title"], "gridPos": place, "datasource": SOURCE,
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query, "legendFormat": legend}
                        for i, (query, legend) in enumerate(panel["queries"])]}


def dashboard(name):
    title, description, by_process, panels = DASHBOARDS[name]
    variables = [{"name": "datasource", "type": "datasource", "query": "prometheus",
                  "current": {"text": "default", "value": "default"}},
                 variable("namespace", "grpc_server_started_total")]
    if by_process:
        variables.append(variable("process", "grpc_server_started_total"))
    return {"uid": f"nisi-{name}", "title": title, "description": description, "tags": ["nisi"], "schemaVersion": 39,
            "version": 1, "editable": False, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"}, "templating": {"list": variables},
            "links": [{"type": "dashboards", "title": "NISI", "tags": ["nisi"], "asDropdown": False, "includeVars": True,
                       "keepTime": True, "icon": "", "tooltip": "", "targetBlank": False}],
            "panels": [panel_of(number, *of) for number, of in enumerate(placed(panels), 1)]}


def text(name):
    return json.dumps(dashboard(name), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for one in DASHBOARDS:
        (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE).joinpath(f"{one}.json").write_text(text(one))

"""What exists after the year, and what to type to look at it."""
from cast import FACTORY
from protos import tiyn_of
from stage import tenge


def kept(stage):
    """The records of the year by which a later run finds them again."""
    return {name: getattr(stage, name) for name in ("edition", "code", "project", "cluster", "grant", "agreement", "demand",
                                                    "claim", "duplicate", "cycle", "contract", "penalty")}


def told(stage, records):
    """One line a record: what it has come to, and the command that shows it."""
    def seen(name, record, who="auditor"):
        return stage.call(name, who, name=records[record])

    edition, project = seen("priority_goods.GetEdition", "edition"), seen("industry_map.GetProject", "project")
    cluster, grant = seen("clusters.GetCluster", "cluster"), seen("grants.GetApplication", "grant")
    demand, claim = seen("grants.GetDemand", "demand"), seen("export_refunds.GetClaim", "claim")
    supplier = stage.call("suppliers.GetSupplier", "auditor", name=f"suppliers/{FACTORY}")
    cycle, contract = seen("contracts.GetCycle", "cycle"), seen("contracts.GetContract", "contract")
    penalty = seen("contracts.GetPenalty", "penalty")
    rows = [
        (edition.name, f"{stage.state(edition)}, {edition.entry_count} entries",
         f"priority-goods list-entries --parent {edition.name} --page-size 5"),
        (supplier.name, f"{stage.state(supplier)}: its registration ran out",
         f"suppliers get-supplier --name {supplier.name} --as-of 2026-06-01"),
        (project.name, f"{stage.state(project)}, {project.parameters.jobs_operation} jobs planned",
         f"industry-map get-project --name {project.name} --as-of 2026-07-15"),
        (cluster.name, stage.state(cluster), f"clusters list-members --parent {cluster.name}"),
        (grant.name, f"{stage.state(grant)}, {tenge(tiyn_of(grant.approved_sum))} tenge",
         f"--as auditor grants replay-decision --name {grant.name}"),
        (demand.name, f"{stage.state(demand)}, {tenge(tiyn_of(demand.total))} tenge",
         f"--as auditor grants get-demand --name {demand.name}"),
        (claim.name, f"{stage.state(claim)}, {tenge(tiyn_of(claim.amount))} tenge",
         f"--as auditor export-refunds list-expenses --parent {claim.name} --reveal"),
        (cycle.name, f"{stage.state(cycle)}, {cycle.agreed_count} agreed of {cycle.item_count}",
         f"contracts list-list-items --parent {cycle.name}"),
        (contract.name, f"{stage.state(contract)}, {tenge(tiyn_of(contract.sum))} tenge",
         f"--as auditor contracts get-balance --name {contract.name} --as-of 2026-12-31"),
        (penalty.name.replace(contract.name, ".."), f"{stage.state(penalty)}, {tenge(tiyn_of(penalty.amount))} tenge",
         f"--as auditor contracts list-penalties --parent {contract.name} --reveal"),
        (records["duplicate"], "REJECTED, the same invoice again",
         f"--as auditor export-refunds get-claim --name {records['duplicate']}"),
    ]
    stage.table(("record", "state", "nisi ..."), rows)

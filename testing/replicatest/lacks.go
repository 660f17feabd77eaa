package replicatest

// ClientsOnly returns the capabilities that a store lacks if it only has clients
// (Client, Another, Once, Sibling, Parent and Missing, for which a backend's
// constructor and an empty bucket suffice), but no Requests, Raw, Faults and
// Config.Secrets. It is for the first tests of a new backend, and for a live
// store:
//
//	Lacks: replicatest.ClientsOnly(),
//
// Other lacking capabilities can be appended. The caller owns the result.
func ClientsOnly() []Capability {
	return []Capability{RawAccess, Stripping, Leftovers, CountedRequests, Secrets,
		FailingLookups, FailingLists, FailingDeletes, BrokenTransfers, StalledTransfers, Outages}
}

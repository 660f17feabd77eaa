package replicatest

// ClientsOnly returns what a store lacks that offers clients only: Client,
// Another, Once, Sibling, Parent and Missing, for which a backend's
// constructor and an empty bucket are enough, but no Requests, Raw, Faults
// and Config.Secrets. Use it to begin with a new backend, and for a live
// store, whose objects and failures are out of reach:
//
//	Lacks: replicatest.ClientsOnly(),
//
// Append what else is lacking. The caller owns the result.
func ClientsOnly() []Capability {
	return []Capability{RawAccess, Stripping, Leftovers, CountedRequests, Secrets,
		FailingLookups, FailingLists, FailingDeletes, BrokenTransfers, StalledTransfers, Outages}
}

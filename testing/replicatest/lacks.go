package replicatest

// ClientsOnly returns what a store lacks that offers clients and nothing else:
// Client, Another, Once, Sibling, Parent and Missing, which a backend's
// constructor and an empty bucket are enough for, but no Requests, Raw and
// Faults, and no Config.Secrets. It is a Config.Lacks for a backend's first
// day, and for a live store, whose objects and failures are out of reach:
//
//	Lacks: replicatest.ClientsOnly(),
//
// What is lacking besides is appended. The result is the caller's to change.
func ClientsOnly() []Capability {
	return []Capability{RawAccess, Stripping, Leftovers, CountedRequests, Secrets,
		FailingLookups, FailingLists, FailingDeletes, BrokenTransfers, StalledTransfers, Outages}
}

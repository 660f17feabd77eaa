package replicatest

// ClientsOnly returns the capabilities that are lacking if only clients can be
// made (Client, Another, Once, Sibling, Parent and Missing, for which a
// backend's constructor and an empty bucket suffice), but there are no Requests,
// Raw, Faults and Config.Secrets. It is for the first tests of a new backend, and
// for a live store:
//
//	Lacks: replicatest.ClientsOnly(),
//
// Append what else is lacking. The caller owns the result.
func ClientsOnly() []Capability {
	return []Capability{RawAccess, Stripping, Leftovers, CountedRequests, Secrets,
		FailingLookups, FailingLists, FailingDeletes, BrokenTransfers, StalledTransfers, Outages}
}

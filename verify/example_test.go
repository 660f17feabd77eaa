package verify_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/verify"
)

// health verifies a whole replica and prints what is wrong with it.
func health(ctx context.Context, client ltxstore.ReplicaClient) error {
	report, err := verify.Run(ctx, client, verify.Config{})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Printf("%s: %s\n", f.Severity, f.Message)
	}
	if report.Restore != nil {
		fmt.Println("can be restored to transaction", report.Restore.TXID, "of", report.Restore.Time)
	}
	fmt.Println("sound:", report.OK())
	return nil
}

func Example() {
	client := &mock.ReplicaClient{}
	client.SetLogger(nil)
	history := ltxmodel.New(1, 6)
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range []at{{9, 1, 3}, {0, 4, 4}, {0, 6, 6}} {
		client.Store().Put(keys.File(f.level, f.min, f.max), mock.Object{Body: history.File(f.min, f.max)})
	}

	if err := health(context.Background(), client); err != nil {
		log.Fatal(err)
	}
	// Output:
	// error: the newest state cannot be restored: transaction 0000000000000005 is missing, but there are files after it; the last that can be restored is 0000000000000004 of 2024-01-02T03:04:09Z; transaction 0000000000000004 can be restored with -txid 0000000000000004
	// warning: level 0 has no transactions 0000000000000005 to 0000000000000005
	// can be restored to transaction 0000000000000004 of 2024-01-02 03:04:09 +0000 UTC
	// sound: false
}

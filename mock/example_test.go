package mock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// upload is the daemon under test: it stores a transaction, and tries again
// while that makes sense.
func upload(ctx context.Context, client ltxstore.ReplicaClient, id ltx.TXID, body []byte) (err error) {
	for range 3 {
		_, err = client.WriteLTXFile(ctx, 0, id, id, bytes.NewReader(body))
		if err == nil || !ltxstore.IsRetryable(err) {
			break
		}
	}
	return err
}

// verify is another part of it: it checks that a stored transaction is whole.
func verify(ctx context.Context, client ltxstore.ReplicaClient, id ltx.TXID) error {
	rc, err := client.OpenLTXFile(ctx, 0, id, id, 0, 0)
	if err != nil {
		return err
	}
	defer rc.Close()
	return ltx.NewDecoder(rc).Verify()
}

// show prints the transactions that a listing has.
func show(ctx context.Context, client ltxstore.ReplicaClient) {
	files, err := ltxstore.FindLTXFiles(ctx, client, 0, false, func(*ltx.FileInfo) (bool, error) { return true, nil })
	for _, f := range files {
		fmt.Print(f.MinTXID, " ")
	}
	fmt.Println(len(files), "files", err)
}

// transaction returns a real LTX file.
func transaction(id ltx.TXID) []byte {
	return replicatest.NewLTXFile(id, id, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 1)
}

// quiet is a client that does not log to the example's output.
func quiet() *mock.ReplicaClient {
	return mock.NewReplicaClient(mock.Config{Logger: slog.New(slog.DiscardHandler)})
}

// printT stands for the test's *testing.T, which an example does not have.
type printT struct{ cleanups []func() }

func (*printT) Helper()                           {}
func (*printT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*printT) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *printT) Cleanup(f func())                { t.cleanups = append(t.cleanups, f) }

func (t *printT) end() {
	for _, f := range t.cleanups {
		f()
	}
}

// With nothing scripted the client is a store like any other.
func Example() {
	ctx, client := context.Background(), quiet()

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	fmt.Println(verify(ctx, client, 1))
	show(ctx, client)
	fmt.Println(client.Store().Keys())
	// Output:
	// <nil>
	// <nil>
	// 0000000000000001 1 files <nil>
	// [ltx/0000/0000000000000001-0000000000000001.ltx]
}

// The zero value needs no configuration.
func ExampleReplicaClient() {
	var client mock.ReplicaClient
	client.SetLogger(nil)

	_, err := client.OpenLTXFile(context.Background(), 0, 1, 1, 0, 0)
	fmt.Println(err)
	// Output:
	// mock: open ltx/0000/0000000000000001-0000000000000001.ltx: file does not exist
}

// The store is down for the first two writes; the daemon tries again.
func ExampleReplicaClient_Script() {
	ctx, client := context.Background(), quiet()
	t := &printT{} // in a test: the *testing.T

	client.Script(t, mock.Fault{Op: mock.OpWrite, Times: 2, Err: ltxstore.ErrUnavailable})

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	fmt.Println(len(client.Calls(mock.OpWrite)), "writes")
	t.end() // would tell of a fault that no call has met
	// Output:
	// <nil>
	// 3 writes
}

// A fault that the code under test never met fails the test: it proved
// nothing.
func ExampleReplicaClient_Script_unused() {
	ctx, client := context.Background(), quiet()
	t := &printT{}

	client.Script(t, mock.Fault{Op: mock.OpWrite, Nth: 2, Err: ltxstore.ErrUnavailable})

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	t.end()
	// Output:
	// <nil>
	// mock: fault "write call 2" hit 0 calls, want 1: 1 calls matched it
}

// One file cannot be written, however often it is tried.
func ExampleReplicaClient_FailOn() {
	ctx, client := context.Background(), quiet()
	t := &printT{}

	full := errors.New("quota exceeded")
	client.FailOn(t, mock.OpWrite, 0, 2, 2, full)

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	err := upload(ctx, client, 2, transaction(2))
	fmt.Println(errors.Is(err, full), err)
	client.ClearFaults() // there is room again
	fmt.Println(upload(ctx, client, 2, transaction(2)))
	t.end()
	// Output:
	// <nil>
	// true mock: write ltx/0000/0000000000000002-0000000000000002.ltx: quota exceeded
	// <nil>
}

// The second write fails after 100 bytes. Nothing of it is stored.
func ExampleReplicaClient_Inject() {
	ctx, client := context.Background(), quiet()
	err := client.Inject(mock.Fault{Op: mock.OpWrite, Nth: 2, After: 100, Err: io.ErrClosedPipe})
	if err != nil {
		fmt.Println(err)
	}

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	fmt.Println(upload(ctx, client, 2, transaction(2)))
	show(ctx, client)
	fmt.Println(len(client.UnusedFaults()), "unused faults")
	// Output:
	// <nil>
	// mock: write ltx/0000/0000000000000002-0000000000000002.ltx: io: read/write on closed pipe
	// 0000000000000001 1 files <nil>
	// 0 unused faults
}

// A store that hangs: the daemon's deadline has to end the call.
func ExampleFault_delay() {
	client := quiet()
	if err := client.Inject(mock.Fault{Op: mock.OpWrite, Delay: time.Hour}); err != nil {
		fmt.Println(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err := upload(ctx, client, 1, transaction(1))
	fmt.Println(errors.Is(err, context.DeadlineExceeded), client.Store().Keys())
	// Output:
	// true []
}

// A download that breaks off is an error of the reader. What is cut off, or
// altered, without a word is for the decoder to notice.
func ExampleFault_download() {
	ctx, client := context.Background(), quiet()
	t := &printT{}
	fmt.Println(upload(ctx, client, 1, transaction(1)))

	client.Script(t, mock.Fault{Op: mock.OpRead, After: 500, Err: io.ErrUnexpectedEOF})
	err := verify(ctx, client, 1)
	fmt.Println("broken off:", errors.Is(err, io.ErrUnexpectedEOF), ltxstore.IsRetryable(err))

	client.Script(t, mock.Fault{Op: mock.OpRead, After: 500, Truncate: true})
	fmt.Println("cut:", verify(ctx, client, 1) != nil)

	client.Script(t, mock.Fault{Op: mock.OpRead, Corrupt: []int64{1000}})
	fmt.Println("corrupt:", verify(ctx, client, 1) != nil)

	fmt.Println("whole:", verify(ctx, client, 1))
	t.end()
	// Output:
	// <nil>
	// broken off: true true
	// cut: true
	// corrupt: true
	// whole: <nil>
}

// A write whose answer is lost: the store has the file, and the daemon must
// cope with writing it twice.
func ExampleFault_lostAnswer() {
	ctx := context.Background()
	client := mock.NewReplicaClient(mock.Config{WriteOnce: true, Logger: slog.New(slog.DiscardHandler)})
	t := &printT{}
	client.Script(t, mock.Fault{Op: mock.OpWrite, LostAnswer: true, Err: ltxstore.ErrUnavailable})

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	fmt.Println(len(client.Calls(mock.OpWrite)), "writes")
	t.end()
	// Output:
	// <nil>
	// 2 writes
}

// A store that is only eventually consistent: one listing more does not show
// the new file, though it can be read.
func ExampleLag() {
	ctx, client := context.Background(), quiet()
	t := &printT{}
	client.Script(t, mock.Fault{Op: mock.OpWrite, Lag: mock.Lag{Listings: 1}})

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	show(ctx, client)
	fmt.Println(verify(ctx, client, 1))
	show(ctx, client)
	t.end()
	// Output:
	// <nil>
	// 0 files <nil>
	// <nil>
	// 0000000000000001 1 files <nil>
}

// A function field replaces a method, and may call what it replaces.
func ExampleReplicaClient_Default() {
	ctx, client := context.Background(), quiet()
	client.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		fmt.Println("writing", minTXID)
		return client.Default().WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	}

	fmt.Println(upload(ctx, client, 1, transaction(1)))
	fmt.Println(verify(ctx, client, 1))
	// Output:
	// writing 0000000000000001
	// <nil>
	// <nil>
}

// The log tells what the code under test has asked for.
func ExampleReplicaClient_Calls() {
	ctx, client := context.Background(), quiet()
	_ = upload(ctx, client, 1, transaction(1))
	_, _ = ltxstore.FetchLTXHeader(ctx, client, &ltx.FileInfo{MinTXID: 1, MaxTXID: 1})

	for _, call := range client.Calls(mock.OpOpen) {
		fmt.Println(call.MinTXID, call.Offset, call.Size, call.Bytes, call.Err)
	}
	fmt.Println(len(client.Calls()), "calls")
	// Output:
	// 0000000000000001 0 100 100 <nil>
	// 2 calls
}

// Several clients in one store: what one writes the other reads, and a
// neighbour is left alone.
func ExampleStore() {
	ctx, bucket := context.Background(), mock.NewStore()
	open := func(path string) *mock.ReplicaClient {
		return mock.NewReplicaClient(mock.Config{Store: bucket, Path: path, Logger: slog.New(slog.DiscardHandler)})
	}
	_ = upload(ctx, open("db"), 1, transaction(1))
	_ = upload(ctx, open("db2"), 1, transaction(1))
	bucket.Put("db/README.txt", mock.Object{Body: []byte("a stranger")})

	fmt.Println(verify(ctx, open("db"), 1))
	fmt.Println(open("db").DeleteAll(ctx))
	for _, key := range bucket.Keys() {
		fmt.Println(key)
	}
	// Output:
	// <nil>
	// <nil>
	// db/README.txt
	// db2/ltx/0000/0000000000000001-0000000000000001.ltx
}

package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/superfly/ltx"
)

func rewriteCases() []Case {
	return []Case{
		{ID: "rewrite/replaces", Clauses: []string{"W6"}, Needs: []Capability{Rewriting},
			Rule: "Writing a name again replaces its content, size and time, whether the new content is longer or shorter.", run: rewriteReplaces},
		{ID: "rewrite/old-until-replaced", Clauses: []string{"W2", "W6"}, Needs: []Capability{Rewriting},
			Rule: "Until a rewrite has ended, readers get the older file.", run: rewriteOldUntilReplaced},
		{ID: "rewrite/many-writers", Clauses: []string{"W6", "C1"}, Needs: []Capability{Rewriting, AtomicRewriting},
			Rule: "Concurrent writers of one name leave one writer's bytes; a concurrent reader sees whole files only.", run: rewriteManyWriters},
		{ID: "rewrite/upload-removed", Clauses: []string{"W2", "W3", "W6"}, Needs: []Capability{Rewriting, Clients, RawAccess},
			Rule: "If another client's DeleteAll removes the unfinished upload of a write, the file is whole or the write fails: another file of the same size is not mistaken for it.", run: rewriteUploadRemoved},
		{ID: "once/refuses-other-bytes", Clauses: []string{"W6"}, Needs: []Capability{WriteOnce},
			Rule: "With WriteOnce, writing different bytes to an existing name is fs.ErrExist, and the file remains.", run: onceRefuses},
		{ID: "once/accepts-the-same-bytes", Clauses: []string{"W6"}, Needs: []Capability{WriteOnce},
			Rule: "With WriteOnce, writing the same bytes again succeeds.", run: onceAccepts},
		{ID: "once/one-winner", Clauses: []string{"W6", "C1"}, Needs: []Capability{WriteOnce},
			Rule: "With WriteOnce, exactly one of several concurrent writers of different bytes succeeds.", run: onceOneWinner},
	}
}

func rewriteReplaces(ctx context.Context, e *env) error {
	f := file{0, 3, 4}
	for i, pages := range []int{2, 30, 1, 5} {
		at := timeOf(ltx.TXID(1000 * (4 - i)))
		body := e.ltxFile(3, 4, at, pages)
		info, err := e.write(ctx, f, body)
		if err != nil {
			return err
		}
		if !info.CreatedAt.Equal(at) {
			return fmt.Errorf("rewrite %d: CreatedAt is %v: want %v", i, info.CreatedAt, at)
		}
		if err := e.holds(ctx, f, body); err != nil {
			return err
		}
		infos, err := e.list(ctx, 0, 0, true)
		if err != nil {
			return err
		}
		if err := sameFiles("listing", infos, []file{f}); err != nil {
			return err
		}
		if got := infos[0]; got.Size != int64(len(body)) || !got.CreatedAt.Equal(at) {
			return fmt.Errorf("rewrite %d is listed with %d bytes and time %v: want %d and %v", i, got.Size, got.CreatedAt, len(body), at)
		}
	}
	return nil
}

func rewriteOldUntilReplaced(ctx context.Context, e *env) error {
	old, err := e.older(ctx, true)
	if err != nil {
		return err
	}
	body := e.failingBody()
	var seen error
	src := &source{body: body, at: len(body) - 1, chunk: 64 << 10, hook: func() { seen = e.holds(ctx, failing, old) }}
	if _, err := e.writeFrom(ctx, failing, src, int64(len(body))); err != nil {
		return err
	}
	if seen != nil {
		return fmt.Errorf("before the rewrite's last byte was read: %w", seen)
	}
	return e.holds(ctx, failing, body)
}

// rewriteUploadRemoved lets another client write the same name once the upload of the
// write is gone: both files have the same size, and the other one is newer.
func rewriteUploadRemoved(ctx context.Context, e *env) error {
	other, done, err := e.reopen(e.Another)
	if err != nil {
		return err
	}
	defer done()
	if _, err := e.older(ctx, true); err != nil {
		return err
	}
	body := e.ltxBody(failing, timeOf(7), 1)   // of several parts
	theirs := e.ltxBody(failing, timeOf(8), 1) // of the same size
	var hookErr error
	src := &source{body: body, at: len(body) * 15 / 16, hook: func() {
		_ = other.client.DeleteAll(ctx) // a server may lock a file that is being written
		hookErr = e.Raw.Put(ctx, e.Raw.Keys.File(failing.level, failing.min, failing.max), theirs)
	}}
	_, err = e.client.WriteLTXFile(ctx, failing.level, failing.min, failing.max, src)
	if hookErr != nil {
		return fmt.Errorf("put the other file: %w", hookErr)
	}
	if err != nil {
		return e.holds(ctx, failing, theirs)
	}
	return e.holds(ctx, failing, body)
}

// candidates are bodies for one name, with different lengths.
func (e *env) candidates(f file, n int) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = e.ltxFile(f.min, f.max, timeOf(ltx.TXID(i)), 1+5*i)
	}
	return bodies
}

func oneOf(got []byte, bodies [][]byte) error {
	for _, body := range bodies {
		if bytes.Equal(got, body) {
			return nil
		}
	}
	return fmt.Errorf("content of %d bytes is not that of any writer", len(got))
}

func rewriteManyWriters(ctx context.Context, e *env) error {
	f := file{0, 5, 5}
	bodies := e.candidates(f, 8)
	if _, err := e.write(ctx, f, bodies[0]); err != nil {
		return err
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	var readErr error
	reader.Go(func() {
		for readErr == nil {
			select {
			case <-stop:
				return
			default:
			}
			got, err := e.read(ctx, f, 0, 0)
			if err == nil {
				err = oneOf(got, bodies)
			}
			if err != nil {
				readErr = fmt.Errorf("concurrent reader: %w", err)
			}
		}
	})
	err := parallel(2*len(bodies), func(i int) error {
		body := bodies[i%len(bodies)]
		_, err := e.writeFrom(ctx, f, &source{body: body, chunk: 5000}, int64(len(body)))
		return err
	})
	close(stop)
	reader.Wait()
	if err = errors.Join(err, readErr); err != nil {
		return err
	}
	got, err := e.read(ctx, f, 0, 0)
	if err != nil {
		return err
	}
	return first(
		func() error { return oneOf(got, bodies) },
		func() error { return e.lists(ctx, 0, 0, f) },
	)
}

func onceRefuses(ctx context.Context, e *env) error {
	once, done, err := e.reopen(e.Once)
	if err != nil {
		return err
	}
	defer done()
	f := file{0, 2, 2}
	bodies := e.candidates(f, 3)
	sameSize := bytes.Clone(bodies[0])
	sameSize[len(sameSize)-1] ^= 1
	if _, err := once.write(ctx, f, bodies[0]); err != nil {
		return err
	}
	for _, other := range [][]byte{bodies[1], sameSize, plain(1, 10)} {
		_, err := once.client.WriteLTXFile(ctx, f.level, f.min, f.max, bytes.NewReader(other))
		if err := is("write of other bytes", err, fs.ErrExist); err != nil {
			return err
		}
	}
	return once.holds(ctx, f, bodies[0])
}

func onceAccepts(ctx context.Context, e *env) error {
	once, done, err := e.reopen(e.Once)
	if err != nil {
		return err
	}
	defer done()
	for i, body := range [][]byte{e.bodyOf(file{0, 2, 2}), e.plainBody(1, 2)} {
		f := file{i, 2, 2}
		for range 3 {
			if _, err := once.writeFrom(ctx, f, &source{body: body}, int64(len(body))); err != nil {
				return err
			}
		}
		if err := once.holds(ctx, f, body); err != nil {
			return err
		}
	}
	return nil
}

func onceOneWinner(ctx context.Context, e *env) error {
	once, done, err := e.reopen(e.Once)
	if err != nil {
		return err
	}
	defer done()
	for round := range 5 {
		f := file{0, ltx.TXID(round + 2), ltx.TXID(round + 2)}
		bodies := make([][]byte, 8)
		for i := range bodies {
			bodies[i] = plain(uint64(i), 20_000+i%2) // some have the same size
		}
		won := make([]bool, len(bodies))
		err := parallel(len(bodies), func(i int) error {
			_, err := once.write(ctx, f, bodies[i])
			if err == nil {
				won[i] = true
				return nil
			}
			return is("write of a loser", err, fs.ErrExist)
		})
		if err != nil {
			return err
		}
		winner := -1
		for i := range won {
			if won[i] && winner >= 0 {
				return fmt.Errorf("%v: writers %d and %d both succeeded", f, winner, i)
			}
			if won[i] {
				winner = i
			}
		}
		if winner < 0 {
			return fmt.Errorf("%v: no writer succeeded", f)
		}
		if err := once.holds(ctx, f, bodies[winner]); err != nil {
			return err
		}
	}
	return nil
}

package crypt_test

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// The library alone is what the wrapper is to be measured by; "wrapper" is a write
// or read over memory.
func BenchmarkEncrypt(b *testing.B) {
	r, body := newReplica(b), noise(8<<20)
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			e, err := age.EncryptReader(bytes.NewReader(body), r.id.Recipient())
			require.NoError(b, err)
			_, err = io.Copy(io.Discard, e)
			require.NoError(b, err)
		}
	})
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchWrite(b, r.client(r.config()), 2, body) })
	b.Run("mock", func(b *testing.B) { wraptest.BenchWrite(b, wraptest.Quiet(), 2, body) })
}

func BenchmarkDecrypt(b *testing.B) {
	r, body := newReplica(b), noise(8<<20)
	c := r.client(r.config())
	wraptest.Write(b, c, 2, body)
	b.Run("library", func(b *testing.B) {
		stored := r.stored(b, 2)
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			d, err := age.Decrypt(bytes.NewReader(stored), r.id)
			require.NoError(b, err)
			_, err = io.Copy(io.Discard, d)
			require.NoError(b, err)
		}
	})
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchRead(b, c, 2, 0, 0, int64(len(body))) })
	b.Run("page", func(b *testing.B) { wraptest.BenchRead(b, c, 2, 5_000_000, 4096, 4096) })
}

func BenchmarkSmallWrite(b *testing.B) {
	r, body := newReplica(b), replicatest.NewLTXFile(2, 2, at, 1)
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchWrite(b, r.client(r.config()), 2, body) })
	b.Run("mock", func(b *testing.B) { wraptest.BenchWrite(b, wraptest.Quiet(), 2, body) })
}

package gcsfake_test

import (
	"fmt"
	"net/http"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

// Each operation holds each condition, on an object and on none.
func TestConditions(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		xml := len(options) == 0
		for _, tt := range []struct {
			condition func(generation int64) storage.Conditions
			insert    [2]int // without an object, with one
			change    int    // of what a delete or an update gets with one
			read      int    // likewise
		}{
			{func(int64) storage.Conditions { return storage.Conditions{DoesNotExist: true} }, [2]int{200, 412}, 412, 412},
			{func(g int64) storage.Conditions { return storage.Conditions{GenerationMatch: g} }, [2]int{412, 200}, 200, 200},
			{func(g int64) storage.Conditions { return storage.Conditions{GenerationMatch: g + 1} }, [2]int{412, 412}, 412, 412},
			{func(g int64) storage.Conditions { return storage.Conditions{GenerationNotMatch: g} }, [2]int{200, 412}, 412, 304},
			{func(g int64) storage.Conditions { return storage.Conditions{GenerationNotMatch: g + 1} }, [2]int{200, 200}, 200, 200},
			{func(int64) storage.Conditions { return storage.Conditions{MetagenerationMatch: 1} }, [2]int{412, 200}, 200, 200},
			{func(int64) storage.Conditions { return storage.Conditions{MetagenerationMatch: 2} }, [2]int{412, 412}, 412, 412},
			{func(int64) storage.Conditions { return storage.Conditions{MetagenerationNotMatch: 1} }, [2]int{200, 412}, 412, 304},
		} {
			s := serve(t, gcsfake.Options{}, options...)
			check := func(operation string, err error, want int) {
				t.Helper()
				what := fmt.Sprintf("%s if %+v", operation, tt.condition(0))
				if want == http.StatusOK {
					require.NoError(t, err, what)
					return
				}
				requireError(t, err, want)
			}
			fresh := func() *storage.ObjectHandle {
				s.Put(name, "a", []byte("old"))
				o, _ := s.Get(name, "a")
				return s.Object("a").If(tt.condition(o.Generation))
			}
			check("insert", write(t, s.Object("new").If(tt.condition(1)), "x"), tt.insert[0])
			check("insert over", write(t, fresh(), "x"), tt.insert[1])
			if xml { // uploads are the same with either
				check("insert in chunks", write(t, s.Object("new2").If(tt.condition(1)), bodyOf(chunk+1), chunked), tt.insert[0])
				check("insert over in chunks", write(t, fresh(), bodyOf(chunk+1), chunked), tt.insert[1])
			}
			_, err := fresh().Attrs(t.Context())
			check("get", err, tt.read)
			if conditions := tt.condition(1); !xml || conditions.GenerationNotMatch == 0 && conditions.MetagenerationNotMatch == 0 {
				_, _, err = read(t.Context(), fresh(), 0, -1)
				check("read", err, tt.read)
			}
			_, err = fresh().Update(t.Context(), storage.ObjectAttrsToUpdate{CacheControl: "no-store"})
			check("update", err, tt.change)
			check("delete", fresh().Delete(t.Context()), tt.change)
			_, gone := s.Get(name, "a")
			assert.Equal(t, tt.change == http.StatusOK, !gone)

			missing := s.Object("missing").If(tt.condition(1))
			assert.ErrorIs(t, missing.Delete(t.Context()), storage.ErrObjectNotExist)
		}
	})
}

func TestGeneration(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		s := serve(t, gcsfake.Options{}, options...)
		s.Put(name, "a", []byte("one"))
		first, _ := s.Get(name, "a")
		o := s.Object("a").Generation(first.Generation)
		got, _, err := read(t.Context(), o, 0, -1)
		require.NoError(t, err)
		assert.Equal(t, "one", got)

		s.Put(name, "a", []byte("two"))
		_, _, err = read(t.Context(), o, 0, -1)
		assert.ErrorIs(t, err, storage.ErrObjectNotExist)
		_, err = o.Attrs(t.Context())
		assert.ErrorIs(t, err, storage.ErrObjectNotExist)
		assert.ErrorIs(t, o.Delete(t.Context()), storage.ErrObjectNotExist)
		assert.Equal(t, []string{"a"}, s.Keys(name))
	})
}

func TestBadCondition(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	s.Put(name, "a", nil)
	for _, operation := range []string{"GET", "PATCH", "DELETE"} {
		got := s.send(t, operation, "/storage/v1/b/bucket/o/a?ifGenerationMatch=x", "{}")
		assert.Equal(t, http.StatusBadRequest, got.StatusCode)
	}
}

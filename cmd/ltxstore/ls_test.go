package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// A listing that nobody reads ends.
func TestLsWithoutReader(t *testing.T) {
	for _, json := range []bool{false, true} {
		a := &app{out: &failingWriter{0}, err: new(bytes.Buffer), json: json}
		assert.Error(t, new(ls).listed(a, &ltx.FileInfo{MinTXID: 1, MaxTXID: 1}, false))
	}
}

// An empty level of a replica whose other levels cannot be listed is not an empty level of one
// that has files.
func TestLsOfALevelAlone(t *testing.T) {
	store := s3fake.New(s3fake.Options{}, "bucket")
	at, _ := service(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("prefix"), "0005") {
			store.ServeHTTP(w, r)
		} else {
			httpfault.XML(http.StatusForbidden, "AccessDenied")(httpfault.Exchange{}, w, r)
		}
	}))
	s := newShell(t)
	said := s.fails(t, exitFailed, "ls", "-level", "5", "s3://bucket/db?layout=default&region=us-east-1&access-key-id=AKID&secret-access-key="+hush+"&endpoint="+at)
	assert.Contains(t, said, "AccessDenied")
}

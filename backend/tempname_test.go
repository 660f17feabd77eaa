package backend_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
)

func TestTempNames(t *testing.T) {
	name := ltx.FormatFilename(1, 2)
	a, b := backend.TempName(name), backend.TempName(name)
	assert.NotEqual(t, a, b)
	for _, temp := range []string{a, b, name + ".tmp", "." + name + ".1-f.tmp"} {
		assert.True(t, backend.IsTempName(temp), temp)
		_, _, ok := backend.ParseFilename(temp)
		assert.False(t, ok, temp)
	}
	for _, other := range []string{"", ".tmp", "tmp", name, "." + name, "." + name + ".tmp", "x.tmp", "." + name + ".1.tmp",
		"." + name + ".x-f.tmp", "." + name + ".1-g.tmp", "." + name + ".1-.tmp", ".x.1-f.tmp", ".x.1-2.tmp", "." + name + ".x-2.tmp", "." + name + ".1-y.tmp", name + ".tmp.tmp", "." + name + ".1-f.swp"} {
		assert.False(t, backend.IsTempName(other), other)
	}
}

func TestTempTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := ltx.FormatFilename(1, 2)
		now := time.Now()
		temp := backend.TempName(name)
		time.Sleep(time.Hour)
		assert.Equal(t, now.Unix(), backend.TempTime(temp).Unix())
		for _, other := range []string{name + ".tmp", name, "." + name + ".x-f.tmp", ".x.7-f.tmp"} {
			assert.Zero(t, backend.TempTime(other).Unix(), other)
		}
	})
}

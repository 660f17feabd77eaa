package mock_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
)

func TestFaultIsRefused(t *testing.T) {
	lag := mock.Lag{Listings: 1}
	for want, fault := range map[string]mock.Fault{
		`Fault.Op is ""`:                                 {Err: errInjected},
		`Fault.Op is "put": want one of`:                 {Op: "put", Err: errInjected},
		"Fault.Levels is []int{-1}":                      {Op: mock.OpWrite, Levels: []int{-1}, Err: errInjected},
		"Fault.Levels is []int{0, 10000}":                {Op: mock.OpWrite, Levels: []int{0, 10000}, Err: errInjected},
		"Fault.Levels is []int{}: want nil":              {Op: mock.OpWrite, Levels: []int{}, Err: errInjected},
		`Fault.Levels is []int{0}: want it only`:         {Op: mock.OpDeleteAll, Levels: []int{0}, Err: errInjected},
		`TXIDs`:                                          {Op: mock.OpList, MinTXID: 1, Err: errInjected},
		"Fault.MinTXID is":                               {Op: mock.OpOpen, MinTXID: 2, MaxTXID: 1, Err: errInjected},
		"Fault.Nth is -1":                                {Op: mock.OpOpen, Nth: -1, Err: errInjected},
		"Fault.After is -1":                              {Op: mock.OpRead, After: -1, Err: errInjected},
		`Fault.After is 1: want it only`:                 {Op: mock.OpOpen, After: 1, Err: errInjected},
		"Fault.After is 1: want it only with Err, Delay": {Op: mock.OpWrite, After: 1, Lag: lag},
		"Fault.Delay is -1":                              {Op: mock.OpOpen, Delay: -1},
		`Fault.LostAnswer is true: want it only`:         {Op: mock.OpOpen, LostAnswer: true, Err: errInjected},
		"Fault.LostAnswer is true: want it only with Err, and without": {Op: mock.OpWrite, LostAnswer: true, Delay: 1},
		"want it only with Err, and without After":                     {Op: mock.OpWrite, LostAnswer: true, After: 1, Err: errInjected},
		"Fault.Leftover is true: want it only":                         {Op: mock.OpDelete, Leftover: true, Err: errInjected},
		"Fault.Leftover is true: want it only with Err, and without":   {Op: mock.OpWrite, Leftover: true, Delay: 1},
		"want it only with Err, and without LostAnswer":                {Op: mock.OpWrite, Leftover: true, LostAnswer: true, Err: errInjected},
		"Fault.Truncate is true: want it only":                         {Op: mock.OpWrite, Truncate: true},
		"Fault.Truncate is true: want it without Err":                  {Op: mock.OpRead, Truncate: true, Err: errInjected},
		"Fault.Corrupt is []int64{1}: want it":                         {Op: mock.OpOpen, Corrupt: []int64{1}},
		"Fault.Corrupt is []int64{1, -1}":                              {Op: mock.OpRead, Corrupt: []int64{1, -1}},
		"Fault.Lag is mock.Lag{Listings:-1":                            {Op: mock.OpWrite, Lag: mock.Lag{Listings: -1}},
		"Fault.Lag is mock.Lag{Listings:0":                             {Op: mock.OpWrite, Lag: mock.Lag{Duration: -1}},
		"Fault.Lag is mock.Lag{Listings:1":                             {Op: mock.OpRead, Lag: lag},
		"want it without Err, or with LostAnswer":                      {Op: mock.OpWrite, Lag: lag, Err: errInjected},
		`Fault is "write call 1": want an effect`:                      {Op: mock.OpWrite},
	} {
		c := newClient(mock.Config{})
		valid := mock.Fault{Op: mock.OpWrite, Err: errInjected}
		err := c.Inject(valid, fault)
		require.ErrorIs(t, err, fs.ErrInvalid, "%s", want)
		require.ErrorContains(t, err, "fault 2: mock: script: ")
		wanted := want
		if want == "TXIDs" {
			wanted = "Fault.MinTXID and MaxTXID is"
		}
		require.ErrorContains(t, err, wanted)
		assert.Empty(t, c.UnusedFaults(), "none is added")

		var tb fakeTB
		c.Script(&tb, valid, fault)
		assert.Contains(t, tb.fatal, wanted)
		assert.Empty(t, tb.cleanups)
	}
}

func TestScriptReportsUnusedFaults(t *testing.T) {
	c := newClient(mock.Config{})
	var tb fakeTB
	c.FailOn(&tb, mock.OpOpen, 0, 7, 7, errInjected)
	c.Script(&tb,
		mock.Fault{Op: mock.OpWrite, Nth: 2, Times: 2, Err: errInjected},
		mock.Fault{Op: mock.OpList, Delay: time.Nanosecond})
	for _, wantErr := range []bool{false, true} {
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, newBody())
		assert.Equal(t, wantErr, err != nil)
	}
	listed(t, c)

	var now fakeTB
	assert.False(t, c.AssertFaultsUsed(&now))
	want := []string{
		`mock: fault "open level [0] min 0000000000000007 max 0000000000000007 call 1 and all after it" hit 0 calls, want 1 or more: 0 calls matched it`,
		`mock: fault "write call 2 to 3" hit 1 calls, want 2: 2 calls matched it`,
	}
	assert.Equal(t, want, now.errors)
	assert.Len(t, c.UnusedFaults(), 2)

	c.ClearFaults()
	assert.Empty(t, c.UnusedFaults())
	assert.True(t, c.AssertFaultsUsed(&now))
	write(t, c, 0, 1, []byte("no fault is in force"))
	assert.Empty(t, tb.errors)
	tb.end()
	assert.Equal(t, want, tb.errors, "the end of the test tells, cleared or not")
}

func TestScriptIsSilentWhenAllIsUsed(t *testing.T) {
	c := newClient(mock.Config{})
	var tb fakeTB
	c.FailOn(&tb, mock.OpWrite, 3, 1, 1, errInjected)
	for range 3 {
		_, err := c.WriteLTXFile(t.Context(), 3, 1, 1, newBody())
		require.ErrorIs(t, err, errInjected)
	}
	write(t, c, 2, 1, []byte("x"))
	tb.end()
	assert.Empty(t, tb.errors)
	assert.True(t, c.AssertFaultsUsed(&tb))
}

// TestFaultsAreCopied sees the caller's slices change without effect.
func TestFaultsAreCopied(t *testing.T) {
	c := newClient(mock.Config{})
	levels := []int{1}
	inject(t, c, mock.Fault{Op: mock.OpWrite, Levels: levels, Err: errInjected})
	levels[0] = 0
	write(t, c, 0, 1, []byte("x"))
	assert.Len(t, c.UnusedFaults(), 1)
}

package mock

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/ltxstore/ltxstore"
)

// Config configures a client. The zero value is valid.
type Config struct {
	// Store is where the files are. Several clients may share one, with the
	// same Path or different ones. nil means a new store for this client.
	Store *Store `ltx:"-"`

	// Layout and Path determine the keys of the files; see backend.NewKeys.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' means 'default'."`
	Path   string          `ltx:"path,path" default:"the store's root" help:"The replica's path in the store."`

	// WriteOnce refuses to replace a file with different content (clause W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// PageSize is the number of objects in a page of a listing. 0 means 1000.
	PageSize int `ltx:"page-size" default:"1000" help:"Objects in a page of a listing."`

	// Clock returns the current time: that of stored files, and the one that
	// ends a Lag. nil means time.Now. It must not return the zero time.
	Clock func() time.Time `ltx:"-"`

	// Sleep waits for Fault.Delay, and returns an error as soon as ctx ends. nil
	// means a timer, which also works under testing/synctest.
	Sleep func(ctx context.Context, d time.Duration) error `ltx:"-"`

	// Logger is the logger. nil means slog.Default.
	Logger *slog.Logger `ltx:"-"`
}

func (cfg Config) pageSize() int { return cmp.Or(cfg.PageSize, 1000) }

package nats

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"hash"
	"os"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// connect checks given and makes the store. It sends nothing.
func connect(given Config, log *oplog.Logger) (*object.Store, error) {
	if err := given.validate(); err != nil {
		return nil, err
	}
	cfg := given.withDefaults()
	keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, refuse("Path", err)
	}
	log.Secrets.Add(cfg.Password, cfg.Token, cfg.JWT, cfg.Seed)
	if isSeed(cfg.NKey) {
		log.Secrets.Add(cfg.NKey)
	}
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	b := &bucket{cfg: cfg, options: options, log: log, stream: "OBJ_" + cfg.Bucket}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{Unsorted: true, NoStartAt: true, ListsMetadata: true, NewHash: func() hash.Hash { return sha256.New() }},
		Keys:   keys,
		Place:  []string{cfg.URL, cfg.Bucket},

		WriteOnce:           cfg.WriteOnce,
		UploadThreshold:     window * cfg.ChunkSize,
		PartSize:            window * cfg.ChunkSize,
		ReadPool:            rangeio.SharedPool(int64(cfg.ReadConcurrency)*window*cfg.ChunkSize, cfg.ReadConcurrency),
		MetadataConcurrency: cfg.MetadataConcurrency,
		DeleteConcurrency:   cfg.DeleteConcurrency,
		IdleTimeout:         cfg.IdleTimeout,
		Close:               b.close,
	}, nil
}

// options returns how to connect. Nothing is kept for a server that is gone: it
// would be sent after its request has been reported as failed.
func (cfg Config) options() ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name("ltxstore"),
		nats.MaxReconnects(cmp.Or(int(cfg.MaxReconnects), -1)),
		nats.ReconnectWait(cfg.ReconnectWait),
		nats.ReconnectJitter(cfg.ReconnectWait/10, cfg.ReconnectWait/10),
		nats.Timeout(cfg.Timeout),
		nats.FlusherTimeout(cfg.IdleTimeout),
		nats.ReconnectBufSize(-1),
	}
	seed := cfg.Seed
	switch {
	case cfg.Username != "":
		options = append(options, nats.UserInfo(cfg.Username, cfg.Password))
	case cfg.Token != "":
		options = append(options, nats.Token(cfg.Token))
	case cfg.JWT != "":
		options = append(options, nats.UserJWTAndSeed(cfg.JWT, cfg.Seed))
	case cfg.Creds != "":
		content, err := os.ReadFile(cfg.Creds)
		if err == nil {
			_, err = nkeys.ParseDecoratedUserNKey(content)
		}
		if err != nil {
			return nil, invalid("Creds", cfg.Creds, "want a file of a user's JWT and seed: "+err.Error())
		}
		options = append(options, nats.UserCredentials(cfg.Creds))
	case isSeed(cfg.NKey), cfg.Seed != "":
		if isSeed(cfg.NKey) {
			seed = cfg.NKey
		}
		pair, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return nil, invalid("NKey", "", err.Error())
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, invalid("NKey", "", err.Error())
		}
		options = append(options, nats.Nkey(public, pair.Sign))
	case cfg.NKey != "":
		option, err := nats.NkeyOptionFromSeed(cfg.NKey)
		if err != nil {
			return nil, invalid("NKey", cfg.NKey, "want a seed, a public key, or a file of a seed: "+err.Error())
		}
		options = append(options, option)
	}
	if cfg.InsecureSkipVerify {
		options = append(options, nats.Secure(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}))
	} else if cfg.TLS {
		options = append(options, nats.Secure())
	}
	if err := cfg.load(); err != nil {
		return nil, err
	}
	if len(cfg.RootCAs) > 0 {
		options = append(options, nats.RootCAs(cfg.RootCAs...))
	}
	if cfg.ClientCert != "" {
		if _, err := tls.LoadX509KeyPair(cfg.ClientCert, cfg.ClientKey); err != nil {
			return nil, invalid("ClientCert", cfg.ClientCert, "want files of a certificate and its key: "+err.Error())
		}
		options = append(options, nats.ClientCert(cfg.ClientCert, cfg.ClientKey))
	}
	return options, nil
}

// session is a connection, which reconnects by itself.
type session struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream

	mu     sync.Mutex
	denied error // what the server has refused last
}

// deny notes a refusal, which comes beside the request that it is about.
func (s *session) deny(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = err
}

func (s *session) denial() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.denied
}

// bucket is an object.Bucket, an object.Streamer, an object.Retractor and an
// object.Sweeper.
type bucket struct {
	cfg     Config // with its defaults filled in
	options []nats.Option
	log     *oplog.Logger
	stream  string
	ready   flow.Lazy[session]
}

// session returns the connection, a new one if there is none or it was closed.
func (b *bucket) session(ctx context.Context) (*session, error) {
	if s := b.ready.Load(); s != nil && s.nc.IsClosed() {
		b.ready.CompareAndSwap(s, nil)
	}
	return b.ready.Get(ctx, b.dial)
}

func (b *bucket) dial(ctx context.Context) (*session, error) {
	s := &session{}
	options := append([]nats.Option{
		nats.ReconnectHandler(func(*nats.Conn) { s.deny(nil) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				s.deny(err)
			}
		}),
	}, b.options...)
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() { // which knows no context
		nc, err := nats.Connect(b.cfg.URL, options...)
		done <- result{nc, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		s.nc = r.nc
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.nc.Close()
			}
		}()
		return nil, flow.Err(ctx)
	}
	if err := b.open(ctx, s); err != nil {
		s.nc.Close()
		return nil, err
	}
	return s, nil
}

// open finds the bucket.
func (b *bucket) open(ctx context.Context, s *session) (err error) {
	if s.js, err = jetstream.New(s.nc, jetstream.WithPublishAsyncTimeout(b.cfg.IdleTimeout)); err != nil {
		return err
	}
	if limit := s.nc.MaxPayload() - headerRoom; b.cfg.ChunkSize > limit {
		return invalid("ChunkSize", b.cfg.ChunkSize, "want no more than the server's max_payload less 1 KiB")
	}
	return b.within(ctx, s, func(ctx context.Context) error {
		s.stream, err = s.js.Stream(ctx, b.stream)
		return err
	})
}

// headerRoom is what a chunk's message has besides the chunk.
const headerRoom = 1 << 10

// close closes the connection.
func (b *bucket) close() {
	if s := b.ready.Swap(nil); s != nil {
		s.nc.Close()
	}
}

// call sends a request: do, with the time that its answer may take.
func (b *bucket) call(ctx context.Context, do func(context.Context, *session) error) error {
	s, err := b.session(ctx)
	if err != nil {
		return err
	}
	b.reconnected(ctx, s)
	return b.confirm(ctx, s, b.within(ctx, s, func(ctx context.Context) error { return do(ctx, s) }))
}

// reconnected waits as long as it takes to try once to reconnect, if the
// connection was lost: a request before it would fail for sure.
func (b *bucket) reconnected(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(ctx, 2*b.cfg.ReconnectWait)
	defer cancel()
	changed := s.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(changed)
	if !s.nc.IsReconnecting() {
		return
	}
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// within runs do until the answer is too long in coming or the connection is
// lost, which the library's own requests do not notice.
func (b *bucket) within(ctx context.Context, s *session, do func(context.Context) error) error {
	lost := s.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(lost)
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, stop := context.WithTimeoutCause(limited, b.cfg.IdleTimeout, errStalled)
	defer stop()
	go func() {
		select {
		case _, ok := <-lost:
			if ok {
				cancel(errLost)
			}
		case <-limited.Done():
		}
	}()
	err := do(limited)
	if err == nil || ctx.Err() != nil || limited.Err() == nil {
		return err
	}
	if err := s.denial(); err != nil { // of which the request itself learns nothing
		return err
	}
	return context.Cause(limited)
}

// confirm returns the error of a request that nobody has answered: the bucket
// may be gone.
func (b *bucket) confirm(ctx context.Context, s *session, err error) error {
	if err == nil || !isUnanswered(err) {
		return err
	}
	gone := b.within(ctx, s, func(ctx context.Context) error {
		_, err := s.js.Stream(ctx, b.stream)
		return err
	})
	return cmp.Or(gone, err)
}

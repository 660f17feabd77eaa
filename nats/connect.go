package nats

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"hash"
	"os"

	"github.com/nats-io/nats.go"
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
	b := &bucket{cfg: cfg, options: options, log: log,
		stream: "OBJ_" + cfg.Bucket, descriptions: "$O." + cfg.Bucket + ".M.", chunks: "$O." + cfg.Bucket + ".C."}
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

// bucket is an object.Bucket, an object.Streamer, an object.Retractor and an
// object.Sweeper.
type bucket struct {
	cfg     Config // with its defaults filled in
	options []nats.Option
	log     *oplog.Logger
	ready   flow.Lazy[session]

	stream               string // its name
	descriptions, chunks string // what the subjects of these begin with
}

// Package sftp keeps a replica's LTX files on an SFTP server.
//
// # URLs
//
//	sftp://USER[:PASSWORD]@HOST[:PORT]/PATH
//
// # Guarantees
//
// A write makes a temporary in the file's directory, fsyncs it where the server can
// (fsync@openssh.com), sets its time and renames it (posix-rename@openssh.com,
// without which a file that exists cannot be replaced). SFTP has no fsync of a
// directory: that the name survives a power failure is up to the server. With
// Config.WriteOnce the name is made by a hard link (hardlink@openssh.com).
//
// # Connection
//
// A client has one connection, which is made when it is needed and made again
// when it is lost; what was under way is repeated, and reads go on where they
// were, if the file is still the same by its size, time, first 100 and last 16
// bytes, which include an LTX file's checksum. SFTP cannot cancel a request: a
// context that ends while the server is silent closes the connection.
package sftp

import (
	"context"
	"os"

	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/tree"
)

const typeName = "sftp"

// ReplicaClient is a replica on an SFTP server. It is made by NewReplicaClient
// and safe for concurrent use.
type ReplicaClient struct{ *tree.Client }

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// nothing and cannot fail: Init, which every method calls, reports what is wrong
// with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{tree.New(tree.Config{Type: typeName, Retry: cfg.Retry, Logger: cfg.Logger,
		Connect: func(_ context.Context, log *oplog.Logger) (*tree.Store, error) { return connect(cfg, log) }})}
}

func connect(cfg Config, log *oplog.Logger) (*tree.Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	log.Secrets.Add(settings.Secrets(cfg)...)
	check, err := cfg.hostKey()
	if err != nil {
		return nil, err
	}
	if cfg.InsecureIgnoreHostKey {
		log.Get().Warn("sftp accepts any server key: what is stored can be read and changed on the way", "host", cfg.Host)
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	if cfg.Agent && os.Getenv("SSH_AUTH_SOCK") == "" {
		return nil, invalid("Agent", true, "want the environment variable SSH_AUTH_SOCK to be set")
	}
	pool := &connection{cfg: cfg, key: key, hostKey: check}
	return &tree.Store{
		Tree:    &server{root: cfg.Path, connection: pool},
		Traits:  tree.Traits{FollowsLinks: true},
		Layout:  cfg.Layout,
		Place:   []string{cfg.User, cfg.address(), cfg.Path},
		Options: cfg.Options,
		Where:   cfg.User + "@" + cfg.address(),
		Close:   pool.close,
	}, nil
}

// key reads the key of KeyPath, if there is one.
func (cfg Config) key() (key ssh.Signer, err error) {
	if cfg.KeyPath == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(cfg.KeyPath)
	if err != nil {
		return nil, invalid("KeyPath", cfg.KeyPath, "want a readable file ("+err.Error()+")")
	}
	if cfg.KeyPassphrase != "" {
		key, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(cfg.KeyPassphrase))
	} else {
		key, err = ssh.ParsePrivateKey(pem)
	}
	if err != nil {
		return nil, invalid("KeyPath", cfg.KeyPath, "want a private key that KeyPassphrase opens ("+err.Error()+")")
	}
	return key, nil
}

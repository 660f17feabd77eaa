// Package sftp stores a replica's LTX files on an SFTP server:
//
//	sftp://USER[:PASSWORD]@HOST[:PORT]/PATH
//
// A write creates a temporary file in the directory of the target, fsyncs it if the
// server can (fsync@openssh.com), sets its time and renames it
// (posix-rename@openssh.com, without which existing files cannot be replaced). With
// Config.WriteOnce, the name is a hard link (hardlink@openssh.com). SFTP cannot fsync
// a directory: whether the name survives a power failure depends on the server.
//
// A client has one connection, which is made when needed, and again when it is lost.
// Operations in progress are then repeated, and reads continue where they were if the
// file has the same size, time, first 100 and last 16 bytes. If a context ends and the
// server does not respond, the connection is closed: SFTP cannot cancel a request.
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

// ReplicaClient is a replica on an SFTP server. NewReplicaClient returns one. It is
// safe for concurrent use. See [tree.Client] for its methods.
type ReplicaClient struct{ *tree.Client }

// NewReplicaClient returns a client of the replica that cfg describes. It sends no
// request and does not fail: if cfg is invalid, Init, which every method calls,
// returns the error.
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
	check, algorithms, err := cfg.hostKey()
	if err != nil {
		return nil, err
	}
	if cfg.InsecureIgnoreHostKey {
		log.Get().Warn("sftp accepts any server key: attackers on the network can read and change everything", "host", cfg.Host)
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	if cfg.Agent && os.Getenv("SSH_AUTH_SOCK") == "" {
		return nil, invalid("Agent", true, "want the environment variable SSH_AUTH_SOCK to be set")
	}
	pool := &connection{cfg: cfg, key: key, hostKey: check, algorithms: algorithms}
	return &tree.Store{
		Tree:    &server{root: cfg.Path, connection: pool},
		Traits:  tree.Traits{FollowsLinks: true},
		Layout:  cfg.Layout,
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
		return nil, invalid("KeyPath", cfg.KeyPath, "want a private key, with its KeyPassphrase ("+err.Error()+")")
	}
	return key, nil
}

package sftp

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKey returns the function that checks the server's key.
func (cfg Config) hostKey() (ssh.HostKeyCallback, error) {
	switch {
	case cfg.InsecureIgnoreHostKey:
		return ssh.InsecureIgnoreHostKey(), nil
	case cfg.HostKey != "":
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(cfg.HostKey))
		if err != nil {
			return nil, invalid("HostKey", cfg.HostKey, "want a public key as in authorized_keys, such as \"ssh-ed25519 AAAA…\"")
		}
		return pinned(key), nil
	}
	file := cfg.KnownHosts
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, invalid("KnownHosts", "", "want a HostKey or a file of known hosts")
		}
		file = filepath.Join(home, ".ssh", "known_hosts")
	}
	check, err := knownhosts.New(file)
	if err != nil {
		return nil, invalid("KnownHosts", file, "want a HostKey or a readable file of known hosts ("+err.Error()+"); InsecureIgnoreHostKey accepts any key")
	}
	return check, nil
}

// pinned accepts one key only. Its error contains that key, as those of package
// knownhosts do.
func pinned(want ssh.PublicKey) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if bytes.Equal(key.Marshal(), want.Marshal()) {
			return nil
		}
		return fmt.Errorf("the server's host key is not HostKey: %w", &knownhosts.KeyError{Want: []knownhosts.KnownKey{{Key: want}}})
	}
}

// algorithms returns the algorithms for the server's key in order of preference. A
// server has several keys, and must choose one that check knows.
func algorithms(check ssh.HostKeyCallback, address string, remote net.Addr) []string {
	known := new(knownhosts.KeyError)
	errors.As(check(address, remote, noKey{}), &known)
	rank := func(name string) int {
		switch {
		case strings.Contains(name, "-cert-"):
			return 0
		case slices.ContainsFunc(known.Want, func(k knownhosts.KnownKey) bool {
			return k.Key.Type() == name || k.Key.Type() == ssh.KeyAlgoRSA && strings.HasPrefix(name, "rsa-")
		}):
			return 1
		}
		return 2
	}
	names := slices.Concat(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}

// noKey is the key of no server.
type noKey struct{ ssh.PublicKey }

func (noKey) Type() string    { return "" }
func (noKey) Marshal() []byte { return nil }

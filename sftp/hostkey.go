package sftp

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// hostKey returns the function that checks the server's key, and the algorithms of the
// keys in order of preference: a server has several keys, and must choose one that the
// function accepts.
func (cfg Config) hostKey() (check ssh.HostKeyCallback, algorithms []string, err error) {
	all := slices.Concat(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys)
	switch {
	case cfg.InsecureIgnoreHostKey:
		return ssh.InsecureIgnoreHostKey(), all, nil
	case cfg.HostKey != "":
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(cfg.HostKey))
		if err != nil {
			return nil, nil, invalid("HostKey", cfg.HostKey, "want a public key as in authorized_keys, such as \"ssh-ed25519 AAAA…\"")
		}
		names := []string{key.Type()}
		if key.Type() == ssh.KeyAlgoRSA {
			names = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
		}
		return pinned(key), append(names, all...), nil
	}
	file := cfg.KnownHosts
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, nil, invalid("KnownHosts", "", "want a HostKey or a file of known hosts")
		}
		file = filepath.Join(home, ".ssh", "known_hosts")
	}
	known, err := knownhosts.NewDB(file)
	if err != nil {
		return nil, nil, invalid("KnownHosts", file, "want a HostKey or a readable file of known hosts ("+err.Error()+"); InsecureIgnoreHostKey accepts any key")
	}
	return known.HostKeyCallback(), append(known.HostKeyAlgorithms(cfg.address()), all...), nil
}

// pinned accepts one key only.
func pinned(want ssh.PublicKey) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if bytes.Equal(key.Marshal(), want.Marshal()) {
			return nil
		}
		return errors.New("the server's host key is not HostKey")
	}
}

package sftp

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// claiming adds an extension to the server's first packet, which names those it has.
type claiming struct {
	ssh.Channel
	extension string
	claimed   bool
}

func (c *claiming) Write(p []byte) (int, error) {
	if c.claimed {
		return c.Channel.Write(p)
	}
	c.claimed = true
	packet := slices.Clone(p)
	for _, text := range []string{c.extension, "1"} {
		packet = binary.BigEndian.AppendUint32(packet, uint32(len(text)))
		packet = append(packet, text...)
	}
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-4))
	_, err := c.Channel.Write(packet)
	return len(p), err
}

// A server that has fsync, and fails, does not have the file on its disk.
func TestFailedFsync(t *testing.T) {
	for claims, says := range map[string]string{"": "", "statvfs@openssh.com": "", "fsync@openssh.com": "fsync: "} {
		s := start(t)
		s.claims = claims
		c := s.client(func(cfg *Config) { cfg.Retry.MaxAttempts = 1 })
		err := write(t, c, "x")
		if says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, says)
			_, err = read(t, c)
			require.Error(t, err)
		}
		require.NoError(t, c.Close())
	}
}

// That no key is checked is said loudly, and nothing of the kind where one is.
func TestUncheckedKeyIsLogged(t *testing.T) {
	s := start(t)
	for _, insecure := range []bool{false, true} {
		var log bytes.Buffer
		c := s.client(func(cfg *Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			if insecure {
				cfg.HostKey, cfg.InsecureIgnoreHostKey = "", true
			}
		})
		require.NoError(t, c.Init(t.Context()))
		require.NoError(t, c.Close())
		assert.Equal(t, insecure, strings.Contains(log.String(), "level=WARN msg=\"sftp accepts any server key"))
	}
}

package nats_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/nats"
)

// parrot is a server that refuses everyone, and repeats what it was told in the way
// of spell.
func parrot(t *testing.T, spell func(string) string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "INFO {\"server_id\":\"x\",\"version\":\"2.12.0\",\"headers\":true,\"max_payload\":1048576,\"auth_required\":true,\"nonce\":\"abc\"}\r\n")
			if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				fmt.Fprintf(conn, "-ERR 'no: %s'\r\n", spell(strings.TrimSpace(line)))
			}
			conn.Close()
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestServerRepeatsCredentials(t *testing.T) {
	account, _, _ := key(t, nkeys.CreateAccount)
	_, public, seed := key(t, nkeys.CreateUser)
	token, err := jwt.NewUserClaims(public).Encode(account)
	require.NoError(t, err)
	creds := file(t, "user.creds", "-----BEGIN NATS USER JWT-----\n"+token+"\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n"+seed+"\n------END USER NKEY SEED------\n")
	spellings := map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"a query":  url.QueryEscape,
		"base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"JSON":     func(s string) string { text, _ := json.Marshal(s); return string(text) },
	}
	for name, spell := range spellings {
		address := parrot(t, spell)
		for kind, cfg := range map[string]nats.Config{
			"a password": {Username: "me", Password: "hunTer2Secret"},
			"a token":    {Token: "hunTer2Secret"},
			"a JWT":      {JWT: token, Seed: seed},
			"a file":     {Creds: creds},
		} {
			cfg.URL, cfg.Bucket, cfg.Retry = address, "bucket", ltxstore.Retry{MaxAttempts: 1}
			c := nats.NewReplicaClient(cfg)
			_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.Error(t, err)
			text := err.Error()
			assert.Contains(t, text, "[redacted]", "%s, %s", kind, name)
			for _, secret := range []string{"hunTer2Secret", token, token[len(token)/2:], seed} {
				assert.NotContains(t, text, secret, "%s, %s", kind, name)
				assert.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(secret))[4:12], "%s, %s", kind, name)
			}
			c.Close()
		}
	}
}

package litestream_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
)

func TestClientLogsFilesAtDebug(t *testing.T) {
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var b bytes.Buffer
		inner := &recorder{ReplicaClient: mock.NewReplicaClient(mock.Config{})}
		litestream.Client(inner).SetLogger(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level})).With("db", "app"))
		log := inner.logger.With("key", "a").WithGroup("g")
		log.Info("done", "x", 1)
		assert.Equal(t, want, bytes.Contains(b.Bytes(), []byte("level=DEBUG msg=done db=app key=a g.x=1")), b.String())
		log.Warn("failed")
		assert.Contains(t, b.String(), "level=WARN msg=failed")
	}
	inner := &recorder{ReplicaClient: mock.NewReplicaClient(mock.Config{}), logger: silent()}
	litestream.Client(inner).SetLogger(nil)
	assert.Nil(t, inner.logger)
}

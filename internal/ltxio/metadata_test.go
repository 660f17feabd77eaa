package ltxio

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"
)

func TestMetadata(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)
	info := &ltx.FileInfo{Level: 9, MinTXID: 1, MaxTXID: 0x1f, CreatedAt: at.In(time.FixedZone("here", 3600))}
	m := Metadata(info)
	assert.Equal(t, map[string]string{"litestream-timestamp": "2024-05-06T07:08:09.123Z", "min-txid": "1", "max-txid": "31", "level": "9"}, m)
	got, ok := MetadataTime(m)
	assert.True(t, ok)
	assert.Equal(t, at, got)

	info.CreatedAt = time.Time{}
	_, ok = MetadataTime(Metadata(info))
	assert.False(t, ok, "a body without a header has no time of its own")
}

func TestMetadataTime(t *testing.T) {
	want := time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)
	for value, ok := range map[string]bool{
		"2024-05-06T07:08:09.123Z": true, " 2024-05-06T07:08:09.123456789Z ": true, "2024-05-06T09:08:09.123+02:00": true,
		"": false, "last Tuesday": false, "0001-01-01T00:00:00Z": false, "1714979289": false,
	} {
		for _, name := range []string{"litestream-timestamp", "Litestream-Timestamp", "LITESTREAM-TIMESTAMP", "litestreamtimestamp", "LitestreamTimestamp"} {
			got, found := MetadataTime(map[string]string{"level": "1", name: value})
			assert.Equal(t, ok, found, value)
			if ok {
				assert.Equal(t, want, got)
				assert.Equal(t, time.UTC, got.Location())
			}
		}
	}
	_, found := MetadataTime(map[string]string{"timestamp": "2024-05-06T07:08:09.123Z"})
	assert.False(t, found)
}

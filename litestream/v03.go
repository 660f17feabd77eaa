package litestream

import (
	"context"
	"errors"
	"io"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/v03"
)

// The engine restores from the files of Litestream v0.3 if these are newer than
// the LTX files.
var _ engine.ReplicaClientV3 = client{}

// GenerationsV3 implements engine.ReplicaClientV3. The result is empty if the
// client cannot list such files.
func (c client) GenerationsV3(ctx context.Context) ([]string, error) {
	names, err := v03.Generations(ctx, c.ReplicaClient)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil
	}
	return names, err
}

// SnapshotsV3 implements engine.ReplicaClientV3.
func (c client) SnapshotsV3(ctx context.Context, generation string) (found []engine.SnapshotInfoV3, err error) {
	snapshots, err := v03.Snapshots(ctx, c.ReplicaClient, generation)
	for _, s := range snapshots {
		found = append(found, engine.SnapshotInfoV3(s))
	}
	return found, err
}

// WALSegmentsV3 implements engine.ReplicaClientV3.
func (c client) WALSegmentsV3(ctx context.Context, generation string) (found []engine.WALSegmentInfoV3, err error) {
	segments, err := v03.Segments(ctx, c.ReplicaClient, generation)
	for _, s := range segments {
		found = append(found, engine.WALSegmentInfoV3(s))
	}
	return found, err
}

// OpenSnapshotV3 implements engine.ReplicaClientV3.
func (c client) OpenSnapshotV3(ctx context.Context, generation string, index int) (io.ReadCloser, error) {
	return v03.OpenSnapshot(ctx, c.ReplicaClient, generation, index)
}

// OpenWALSegmentV3 implements engine.ReplicaClientV3.
func (c client) OpenWALSegmentV3(ctx context.Context, generation string, index int, offset int64) (io.ReadCloser, error) {
	return v03.OpenSegment(ctx, c.ReplicaClient, generation, index, offset)
}

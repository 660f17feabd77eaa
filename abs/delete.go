package abs

import (
	"context"
	"errors"
	"io/fs"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/ltxstore/ltxstore/backend/object"
)

// batchSize is how many deletions "Blob Batch" takes.
const batchSize = 256

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.container.NewBlobClient(key).Delete(ctx, nil)
	return err
}

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	_, err := b.container.NewBlobClient(key).Delete(ctx, &blob.DeleteOptions{AccessConditions: atVersion(version)})
	return err
}

// DeleteBatch implements object.Batcher: it is one Blob Batch.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) ([]error, error) {
	batch, err := b.container.NewBatchBuilder()
	if err != nil {
		return nil, err
	}
	results := make([]error, len(keys))
	for i, key := range keys {
		results[i] = object.ErrUnsure
		if err := batch.Delete(key, nil); err != nil {
			return nil, err
		}
	}
	out, err := b.container.SubmitBatch(ctx, batch, nil)
	if err != nil {
		return nil, err
	}
	for _, item := range out.Responses {
		if item.ContentID == nil {
			continue
		}
		i := *item.ContentID
		if results[i] = item.Error; errors.Is(kindOf(item.Error), fs.ErrNotExist) {
			results[i] = nil
		}
	}
	return results, nil
}

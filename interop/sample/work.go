package sample

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// work is the content of a transaction.
type work struct {
	tx   *sql.Tx
	rand *rand.Rand
}

// random returns a typical transaction of an application, common ones more
// often.
func (w *work) random(ctx context.Context) error {
	switch n := w.rand.IntN(100); {
	case n < 45:
		return w.placeOrder(ctx)
	case n < 70:
		return w.closeOrders(ctx)
	case n < 85:
		return w.rewriteDocuments(ctx)
	case n < 95:
		return w.deleteOrder(ctx)
	default:
		return w.importOrders(ctx)
	}
}

func (w *work) placeOrder(ctx context.Context) error {
	number := w.rand.Uint64()
	name := w.words(2)
	var customer int64
	err := w.tx.QueryRowContext(ctx, `INSERT INTO customers (name, email, note) VALUES (?, ?, ?) RETURNING id`,
		name, fmt.Sprintf("%s.%x@example.com", strings.ReplaceAll(name, " ", "."), number), w.note()).Scan(&customer)
	if err != nil {
		return err
	}
	var order int64
	placed := time.Unix(1_700_000_000+w.rand.Int64N(1e8), 0).UTC().Format(time.DateTime)
	err = w.tx.QueryRowContext(ctx, `INSERT INTO orders (customer_id, total, placed_at) VALUES (?, ?, ?) RETURNING id`,
		customer, float64(w.rand.IntN(1e6))/100, placed).Scan(&order)
	if err != nil {
		return err
	}
	for i := range w.rand.IntN(3) {
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO documents VALUES (?, ?, ?)`, order, i, w.blob()); err != nil {
			return err
		}
	}
	return nil
}

// importOrders is a transaction of many pages.
func (w *work) importOrders(ctx context.Context) error {
	for range 20 + w.rand.IntN(60) {
		if err := w.placeOrder(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) closeOrders(ctx context.Context) error {
	_, err := w.tx.ExecContext(ctx, `UPDATE orders SET state = 'closed', total = total * 1.19 WHERE id IN
		(SELECT id FROM open_orders ORDER BY placed_at LIMIT ?)`, 1+w.rand.IntN(10))
	return err
}

func (w *work) rewriteDocuments(ctx context.Context) error {
	_, err := w.tx.ExecContext(ctx, `UPDATE documents SET body = ? WHERE order_id =
		(SELECT order_id FROM documents WHERE order_id >= ? LIMIT 1)`, w.blob(), w.rand.IntN(2000))
	return err
}

func (w *work) deleteOrder(ctx context.Context) error {
	from := w.rand.IntN(2000)
	const chosen = `(SELECT id FROM orders WHERE id >= ? ORDER BY id LIMIT 1)`
	if _, err := w.tx.ExecContext(ctx, `DELETE FROM documents WHERE order_id = `+chosen, from); err != nil {
		return err
	}
	_, err := w.tx.ExecContext(ctx, `DELETE FROM orders WHERE id = `+chosen, from)
	return err
}

func (w *work) note() any {
	if w.rand.IntN(4) == 0 {
		return nil
	}
	return w.words(3 + w.rand.IntN(20))
}

// blob returns bytes that do not compress, a few of them longer than any
// page.
func (w *work) blob() []byte {
	size := 1 + w.rand.IntN(600)
	if w.rand.IntN(20) == 0 {
		size = 1 + w.rand.IntN(20_000)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(w.rand.Uint32())
	}
	return b
}

func (w *work) words(n int) string {
	const syllables = "ka lo mi ru se ta no vi äl øst ß日 pe go du fi"
	parts := strings.Fields(syllables)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		for range 2 + w.rand.IntN(2) {
			b.WriteString(parts[w.rand.IntN(len(parts))])
		}
	}
	return b.String()
}

package grants

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"premiumhls/internal/grantitem"
)

const (
	// batchSize is how many rows are read at once: a BatchGetItem has at most 100
	// keys (DynamoDB API reference), and a row has up to two.
	batchSize = 50
	// readAttempts bounds how often keys are read that DynamoDB did not process.
	readAttempts = 12
	// readPause is the longest pause before the second attempt; it doubles, to
	// maxReadPause.
	readPause    = 100 * time.Millisecond
	maxReadPause = 10 * time.Second
)

// A Change is what an import does with a row.
type Change struct {
	Row
	// Before is the expiry of the manual part that there was; meaningless if New.
	Before time.Time
	New    bool // there was no manual part
	Same   bool // nothing is written: the table has it, or a viewer has claimed it
}

// Counts are the numbers of rows.
type Counts struct{ New, Changed, Same, Failed int }

// Rows is how many rows were handled.
func (c Counts) Rows() int { return c.New + c.Changed + c.Same + c.Failed }

// An Import writes rows into a table. It reads each item first and writes only
// what differs, so that it can be repeated, also after it was interrupted, and
// after viewers have claimed what it granted to their addresses. What sales
// granted stays: DynamoDB's batches cannot have conditions, so that each
// change is an update of its own. If a file has a viewer and a path twice, the
// last line counts. Its memory does not depend on the number of rows.
type Import struct {
	Table   Table
	DryRun  bool // writes nothing
	Workers int  // how many rows are written at once
	Rate    int  // the most writes a second
	// Report, unless nil, gets each row's change or error; not concurrently.
	Report func(Change, error)
}

// Run imports rows until next returns [io.EOF]. A row that fails does not end it;
// a table that does, such as one that is not there.
func (i Import) Run(ctx context.Context, next func() (Row, error)) (counts Counts, err error) {
	group, ctx := errgroup.WithContext(ctx)
	limit := &limiter{interval: time.Second / time.Duration(i.Rate)}
	var mu sync.Mutex
	report := func(c Change, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			counts.Failed++
		case c.Same:
			counts.Same++
		case c.New:
			counts.New++
		default:
			counts.Changed++
		}
		if i.Report != nil {
			i.Report(c, err)
		}
	}
	// Rows of one item go to one worker, in order.
	queues := make([]chan Row, i.Workers)
	for w := range queues {
		queues[w] = make(chan Row, batchSize)
		group.Go(func() error { return i.work(ctx, queues[w], limit, report) })
	}
	group.Go(func() error {
		defer func() {
			for _, queue := range queues {
				close(queue)
			}
		}()
		seed := maphash.MakeSeed()
		for {
			row, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			select {
			case queues[maphash.String(seed, row.Holder+"\x00"+row.Path)%uint64(len(queues))] <- row:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	err = group.Wait()
	return counts, err
}

// work handles the rows of a queue, as many at once as one read takes.
func (i Import) work(ctx context.Context, queue <-chan Row, limit *limiter, report func(Change, error)) error {
	batch := make([]Row, 0, batchSize)
	flush := func() error {
		defer func() { batch = batch[:0] }()
		return i.handle(ctx, batch, limit, report)
	}
	for row := range queue {
		twice := false
		for _, other := range batch {
			twice = twice || other.Holder == row.Holder && other.Path == row.Path
		}
		if twice || len(batch) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
		batch = append(batch, row)
	}
	return flush()
}

func (i Import) handle(ctx context.Context, batch []Row, limit *limiter, report func(Change, error)) error {
	if len(batch) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	items, claims, err := i.Table.read(ctx, batch)
	if err != nil {
		return err
	}
	for n, row := range batch {
		change, err := i.change(ctx, row, items[n], claims[n], limit)
		if err != nil && fatal(err) {
			return err
		}
		report(change, err)
	}
	return nil
}

// change makes one row's change. The pointer has the grant that a viewer has
// claimed from the row's address.
func (i Import) change(ctx context.Context, row Row, old, pointer item, limit *limiter) (Change, error) {
	change := Change{Row: row, New: old.attributes == nil}
	sales, err := old.sales()
	if err != nil {
		return change, &RowError{row.Line, err}
	}
	parts, err := old.parts()
	if name, ok := unknownExpiryOf(old); ok {
		return change, &RowError{row.Line, old.invalid(name, "must not exist: the signer ignores a grant with it")}
	}
	expiry := epoch(row.Until)
	if err == nil { // otherwise the manual part is invalid, and replaced
		change.New = parts.Manual == nil
		if claimed, err := seconds(pointer.attributes[grantitem.Granted]); err == nil && change.New {
			change.Same = claimed == expiry
		}
		if parts.Manual != nil {
			change.Same = *parts.Manual == expiry
			if *parts.Manual != grantitem.NoExpiry {
				change.Before = time.Unix(*parts.Manual, 0).UTC()
			}
		}
	}
	if change.Same || i.DryRun {
		return change, nil
	}
	if err := limit.wait(ctx); err != nil {
		return change, err
	}
	action := i.Table.write(old, grantitem.Parts{Manual: &expiry, Sales: sales})
	if err = i.Table.perform(ctx, []types.TransactWriteItem{action}); conflicts(err) {
		err = i.Table.Grant(ctx, row.Holder, row.Path, row.Until)
	}
	return change, err
}

func unknownExpiryOf(i item) (name string, ok bool) {
	names := func(yield func(string) bool) {
		for name := range i.attributes {
			if !yield(name) {
				return
			}
		}
	}
	return grantitem.UnknownExpiry(names)
}

// fatal reports whether an error would be that of every row.
func fatal(err error) bool {
	var row *RowError
	return !errors.As(err, &row)
}

// read reads the items of rows, no two of which have the same key, and the
// pointers of those with an address.
func (t Table) read(ctx context.Context, rows []Row) (items, pointers []item, err error) {
	items, pointers = make([]item, len(rows)), make([]item, len(rows))
	at := make(map[[2]string]*item, 2*len(rows))
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	want := func(i *item, viewer, path string) {
		*i = item{viewer: viewer, path: path}
		at[[2]string{viewer, path}] = i
		wanted.Keys = append(wanted.Keys, key(viewer, path))
	}
	for n, row := range rows {
		want(&items[n], row.Holder, row.Path)
		if _, ok := grantitem.Address(row.Holder); ok {
			want(&pointers[n], grantitem.Sale(row.Holder), row.Path)
		}
	}
	for attempt := range readAttempts {
		if attempt > 0 {
			if err := pause(ctx, rand.N(min(readPause<<min(attempt-1, 10), maxReadPause))); err != nil {
				return nil, nil, err
			}
		}
		got, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{t.Name: wanted}})
		if err != nil {
			return nil, nil, err
		}
		for _, attributes := range got.Responses[t.Name] {
			i, ok := at[[2]string{text(attributes["viewer"]), text(attributes["path"])}]
			if !ok {
				return nil, nil, errors.New("DynamoDB returned an item that was not requested")
			}
			i.attributes = attributes
		}
		left, ok := got.UnprocessedKeys[t.Name]
		if !ok || len(left.Keys) == 0 {
			return items, pointers, nil
		}
		wanted = left
	}
	return nil, nil, fmt.Errorf("DynamoDB did not process %d reads: the table is throttled; try again later or with a lower --rate", len(wanted.Keys))
}

// A limiter spaces writes.
type limiter struct {
	interval time.Duration
	mu       sync.Mutex
	next     time.Time
}

// wait waits for the next slot.
func (l *limiter) wait(ctx context.Context) error {
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	d := l.next.Sub(now)
	l.next = l.next.Add(l.interval)
	l.mu.Unlock()
	if d <= 0 {
		return ctx.Err()
	}
	return pause(ctx, d)
}

// Each calls a function with every grant of the table, in no order. It has one
// page of a megabyte in memory.
func (t Table) Each(ctx context.Context, do func(Grant) error) error {
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{TableName: &t.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, grant := range readGrants(page.Items) {
			if err := do(grant); err != nil {
				return err
			}
		}
	}
	return nil
}

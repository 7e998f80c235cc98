package grants

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grantitem"
)

// Sales returns the ids of the sales that a viewer holds or held: those in the
// grants, and those whose pointers name the viewer, which stay when a sale ends.
// Claimed are the addresses of which the viewer has claimed grants, as partition
// keys. It reads the whole table, a page at a time.
func (t Table) Sales(ctx context.Context, viewer string, list []Grant) (sales, claimed []string, err error) {
	for _, g := range list {
		for id := range g.Parts.Sales {
			sales = append(sales, id)
		}
	}
	for pointer, err := range t.pointers(ctx, viewer) {
		if err != nil {
			return nil, nil, err
		}
		if _, isAddress := grantitem.Address(pointer.sale); isAddress {
			claimed = append(claimed, pointer.sale)
		} else {
			sales = append(sales, pointer.sale)
		}
	}
	slices.Sort(sales)
	slices.Sort(claimed)
	return slices.Compact(sales), slices.Compact(claimed), nil
}

// Forget removes all grants of a partition key, whoever made them, and the
// pointers that name it. It can be repeated.
func (t Table) Forget(ctx context.Context, viewer string) (removed int, err error) {
	for pointer, err := range t.pointers(ctx, viewer) {
		if err != nil {
			return removed, err
		}
		if err := t.delete(ctx, grantitem.Sale(pointer.sale), pointer.path); err != nil {
			return removed, err
		}
	}
	list, err := t.List(ctx, viewer)
	if err != nil {
		return removed, err
	}
	for _, g := range list {
		if err := t.delete(ctx, g.Viewer, g.Path); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

func (t Table) delete(ctx context.Context, viewer, path string) error {
	_, err := t.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.Name, Key: key(viewer, path)})
	return err
}

// A pointer says who holds a sale.
type pointer struct{ sale, path string }

// pointers returns the pointers that name a viewer. No index has them: few
// viewers are forgotten.
func (t Table) pointers(ctx context.Context, viewer string) func(yield func(pointer, error) bool) {
	return func(yield func(pointer, error) bool) {
		pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{
			TableName:                 &t.Name,
			ConsistentRead:            aws.Bool(true),
			FilterExpression:          aws.String("#h = :h"),
			ExpressionAttributeNames:  map[string]string{"#h": grantitem.Holder},
			ExpressionAttributeValues: map[string]types.AttributeValue{":h": &types.AttributeValueMemberS{Value: viewer}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(pointer{}, err)
				return
			}
			for _, item := range page.Items {
				sale, ok := grantitem.SaleID(text(item["viewer"]))
				if ok && !yield(pointer{sale, text(item["path"])}, nil) {
					return
				}
			}
		}
	}
}

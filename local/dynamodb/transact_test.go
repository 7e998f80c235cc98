package dynamodb_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

func keyOf(viewer string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: "a"},
	}
}

// Actions of a transaction.
func putOf(viewer, condition string) types.TransactWriteItem {
	put := &types.Put{TableName: aws.String("grants"), Item: keyOf(viewer), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: put}
}

func deleteOf(viewer string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("grants"), Key: keyOf(viewer), ConditionExpression: aws.String("attribute_exists(viewer)")}}
}

func updateOf(viewer, update string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: aws.String("grants"), Key: keyOf(viewer), UpdateExpression: &update,
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: "7"}}}}
}

func checkOf(viewer, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: aws.String("grants"), Key: keyOf(viewer), ConditionExpression: &condition}}
}

func TestTransaction(t *testing.T) {
	server := start(t)
	if err := server.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	client := clientOf(server)
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, putOf(fmt.Sprint("v", i), ""))
	}
	for _, tt := range []struct {
		name    string
		before  []string // viewers with an item
		actions []types.TransactWriteItem
		after   []string
		reasons string // of the cancellation
		err     string // code of another error
	}{
		{"all at once", []string{"a", "b"}, []types.TransactWriteItem{putOf("c", ""), deleteOf("a"), updateOf("b", "SET n = :v"), checkOf("d", "attribute_not_exists(viewer)")}, []string{"b", "c"}, "", ""},
		{"one condition fails", []string{"a"}, []types.TransactWriteItem{putOf("c", ""), deleteOf("x"), deleteOf("a")}, []string{"a"}, "None ConditionalCheckFailed None", ""},
		{"a check fails", []string{"a"}, []types.TransactWriteItem{deleteOf("a"), checkOf("c", "attribute_exists(viewer)")}, []string{"a"}, "None ConditionalCheckFailed", ""},
		{"a check writes nothing", []string{"a"}, []types.TransactWriteItem{checkOf("a", "attribute_exists(viewer)")}, []string{"a"}, "", ""},
		{"the item that failed", []string{"a"}, []types.TransactWriteItem{putOf("a", "attribute_not_exists(viewer)")}, []string{"a"}, "ConditionalCheckFailed a", ""},
		{"an update that fits no item", []string{"a"}, []types.TransactWriteItem{putOf("b", ""), updateOf("a", "SET m.n = :v")}, []string{"a"}, "None ValidationError", ""},
		{"one item twice", nil, []types.TransactWriteItem{putOf("a", ""), deleteOf("a")}, nil, "", "ValidationException"},
		{"too many", nil, many, nil, "", "ValidationException"},
		{"none", nil, []types.TransactWriteItem{}, nil, "", "ValidationException"},
		{"a wrong expression", nil, []types.TransactWriteItem{putOf("a", "viewer ==")}, nil, "", "ValidationException"},
		{"a wrong key", nil, []types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("grants"), Key: map[string]types.AttributeValue{"viewer": &types.AttributeValueMemberS{Value: "a"}}}}}, nil, "", "ValidationException"},
		{"another table", nil, []types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("gifts"), Key: keyOf("a")}}}, nil, "", "ResourceNotFoundException"},
		{"nothing to do", nil, []types.TransactWriteItem{{}}, nil, "", "ValidationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, viewer := range viewers(t, client) {
				if _, err := client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("grants"), Key: keyOf(viewer)}); err != nil {
					t.Fatal(err)
				}
			}
			for _, viewer := range tt.before {
				if err := server.Grant(t.Context(), "grants", viewer, "a"); err != nil {
					t.Fatal(err)
				}
			}
			_, err := client.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: tt.actions})
			var cancelled *types.TransactionCanceledException
			var failed smithy.APIError
			var got []string
			switch {
			case errors.As(err, &cancelled):
				for _, reason := range cancelled.CancellationReasons {
					got = append(got, *reason.Code)
					if viewer, ok := reason.Item["viewer"].(*types.AttributeValueMemberS); ok {
						got = append(got, viewer.Value)
					}
				}
			case errors.As(err, &failed):
				if failed.ErrorCode() != tt.err {
					t.Errorf("%v, want %s", err, tt.err)
				}
			case err != nil || tt.err != "":
				t.Errorf("%v, want %s", err, tt.err)
			}
			if strings.Join(got, " ") != tt.reasons {
				t.Errorf("cancelled for %v, want %s", got, tt.reasons)
			}
			if after := viewers(t, client); !slices.Equal(after, tt.after) {
				t.Errorf("the table has %v, want %v", after, tt.after)
			}
		})
	}
}

func viewers(t *testing.T, client *sdk.Client) (viewers []string) {
	t.Helper()
	got, err := client.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("grants")})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range got.Items {
		viewers = append(viewers, item["viewer"].(*types.AttributeValueMemberS).Value)
	}
	slices.Sort(viewers)
	return viewers
}

func TestTransactionToken(t *testing.T) {
	server := start(t)
	if err := server.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	client := clientOf(server)
	write := func(token string, action types.TransactWriteItem) error {
		_, err := client.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{action}})
		return err
	}
	first := putOf("a", "attribute_not_exists(viewer)")
	for range 2 { // the second time its condition would fail
		if err := write("token", first); err != nil {
			t.Fatal(err)
		}
	}
	var mismatch *types.IdempotentParameterMismatchException
	if err := write("token", putOf("b", "")); !errors.As(err, &mismatch) {
		t.Errorf("another request with the same token: %v", err)
	}
	var cancelled *types.TransactionCanceledException
	if err := write("another", first); !errors.As(err, &cancelled) {
		t.Errorf("another token: %v", err)
	}
}

// Transactions of the same items run one after the other, or are cancelled.
func TestTransactionsAtOnce(t *testing.T) {
	server := start(t)
	if err := server.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	client := clientOf(server)
	var all sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		all.Go(func() {
			_, results[i] = client.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				putOf("a", "attribute_not_exists(viewer)"), putOf("b", "attribute_not_exists(viewer)"),
			}})
		})
	}
	all.Wait()
	succeeded := 0
	for _, err := range results {
		var cancelled *types.TransactionCanceledException
		if err == nil {
			succeeded++
		} else if !errors.As(err, &cancelled) {
			t.Error(err)
		}
	}
	if succeeded != 1 {
		t.Errorf("%d transactions succeeded, want 1", succeeded)
	}
}

// A transaction needs the permission of each action, with its own conditions.
func TestTransactionAccess(t *testing.T) {
	server := start(t)
	if err := server.CreateTable(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	var asked []string
	deny := ""
	guarded, err := server.Guarded(func(_ *http.Request, conditions map[string]string, action string, resources ...string) error {
		asked = append(asked, fmt.Sprintf("%s %q %s %v", action, conditions["dynamodb:LeadingKeys"], conditions["dynamodb:EnclosingOperation"], resources))
		if action == deny {
			return errors.New("no")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(guarded)
	defer front.Close()
	client := sdk.New(clientOf(server).Options(), func(o *sdk.Options) { o.BaseEndpoint = &front.URL })
	write := func() error {
		_, err := client.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{putOf("x", ""), checkOf("y", "attribute_not_exists(viewer)")}})
		return err
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Query(t.Context(), &sdk.QueryInput{TableName: aws.String("grants"), KeyConditionExpression: aws.String("viewer = :v"), ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: "x"}}}); err != nil {
		t.Fatal(err)
	}
	const arn = "[arn:aws:dynamodb:us-east-1:111122223333:table/grants]"
	want := []string{
		`dynamodb:PutItem "x" TransactWriteItems ` + arn,
		`dynamodb:ConditionCheckItem "y" TransactWriteItems ` + arn,
		`dynamodb:Query "\x00several"  ` + arn,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
	deny = "dynamodb:ConditionCheckItem"
	if err := write(); err == nil {
		t.Error("allowed without the permission of a check")
	}
}

package sales

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/purchase"
	local "premiumhls/local/dynamodb"
)

func TestForgetHolders(t *testing.T) {
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("install Node and npm")
		}
	}
	server, err := local.Start(t.Context(), "../../local")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	table := Table{Name: "Sales", Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})}
	if _, err := table.Client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table.Name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(PartitionKey), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String(SortKey), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String(PartitionKey), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(SortKey), KeyType: types.KeyTypeRange}},
	}); err != nil {
		t.Fatal(err)
	}
	sold := func(holders ...string) Sale { return Sale{Checkout: &Checkout{ID: "cs", Paid: true, Holders: holders}} }
	for id, sale := range map[string]Sale{
		"pi_1": sold("ada"), "pi_2": sold("email:ada@example.com", "ben"), "pi_3": sold("ben"), "pi_4": {Payments: map[string]Payment{"pi_4": {}}},
		// Ada claimed it with the address that she had before.
		"pi_5": sold("email:ada@old.example"),
	} {
		if err := table.Put(t.Context(), id, sale, 0); err != nil {
			t.Fatal(err)
		}
	}
	reference, _, err := purchase.New([]byte("key"), "ada", time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for id, payload := range map[string]string{
		"evt_1": `{"data":{"object":{"customer_details":{"email":"Ada@Example.com "}}}}`,
		"evt_2": `{"email":"ben@example.com"}`,
		"evt_3": `{"client_reference_id":"` + reference + `"}`,
		// Of others whose texts have ada's in them.
		"evt_4": `{"email":"nada@example.com"}`, "evt_5": `{"email":"ada@example.community"}`, "evt_6": `{"customer":"ada","note":"to ada@example.com"}`, "evt_7": `{"client_reference_id":"ada"}`,
	} {
		if err := table.Keep(t.Context(), Kept{ID: id, Type: "x", Payload: []byte(payload), Created: time.Unix(1, 0), Received: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	holders := []string{"ada", "email:ada@example.com"}
	find := func(ids ...string) string {
		t.Helper()
		records, err := table.Find(t.Context(), holders, ids)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, r := range records {
			found = append(found, r.Sale+r.Event)
		}
		slices.Sort(found)
		return strings.Join(found, " ")
	}
	if got := find("pi_4"); got != "evt_1 evt_3 pi_1 pi_2 pi_4" {
		t.Errorf("found %s", got)
	}
	if n, err := table.ForgetHolders(t.Context(), holders, []string{"pi_5"}); err != nil || n != 5 {
		t.Errorf("%d records, %v", n, err)
	}
	if got := find(); got != "" {
		t.Errorf("there is still %s", got)
	}
	for id, want := range map[string][]string{"pi_1": {}, "pi_2": {"ben"}, "pi_3": {"ben"}, "pi_5": {}} {
		sale, _, err := table.Get(t.Context(), id)
		if err != nil || !sale.Checkout.Paid || !slices.Equal(sale.Checkout.Holders, want) {
			t.Errorf("%s: %+v, %v", id, sale.Checkout, err)
		}
	}
	for _, id := range []string{"evt_2", "evt_4", "evt_5", "evt_6", "evt_7"} {
		if _, ok, err := table.Kept(t.Context(), id); err != nil || !ok {
			t.Errorf("event %s of another buyer: %v, %v", id, ok, err)
		}
	}
}

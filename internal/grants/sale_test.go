package grants_test

import (
	"cmp"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"premiumhls/internal/grantitem"
	"premiumhls/internal/grants"
	local "premiumhls/local/dynamodb"
)

// newTable returns an empty table of grants on this machine.
func newTable(t *testing.T) grants.Table {
	t.Helper()
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
	if err := server.CreateTable(t.Context(), "Grants"); err != nil {
		t.Fatal(err)
	}
	return grants.Table{Name: "Grants", Client: dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})}
}

func at(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// contents returns the items of the table, each as "viewer path attribute=value…".
func contents(t *testing.T, table grants.Table) []string {
	t.Helper()
	got, err := table.Client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table.Name, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, item := range got.Items {
		line := show(item["viewer"]) + " " + show(item["path"])
		for _, name := range slices.Sorted(maps.Keys(item)) {
			if name != "viewer" && name != "path" {
				line += " " + name + "=" + show(item[name])
			}
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

func show(value types.AttributeValue) string {
	switch value := value.(type) {
	case *types.AttributeValueMemberS:
		return value.Value
	case *types.AttributeValueMemberN:
		return value.Value
	case *types.AttributeValueMemberM:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(value.Value)) {
			members = append(members, name+":"+show(value.Value[name]))
		}
		return "{" + strings.Join(members, " ") + "}"
	}
	return fmt.Sprintf("%T", value)
}

func (s step) run(t *testing.T, table grants.Table) error {
	holder := cmp.Or(s.holder, "ada")
	switch s.do {
	case "grant":
		return table.Grant(t.Context(), holder, "course-1", at(s.until))
	case "revoke":
		_, err := table.Revoke(t.Context(), holder, "course-1")
		return err
	case "set":
		return table.SetSale(t.Context(), holder, "course-1", s.sale, at(s.until))
	case "end":
		return table.EndSale(t.Context(), holder, "course-1", s.sale)
	case "claim": // as the signer does
		put(t, table, "sale:"+s.sale, map[string]types.AttributeValue{"holder": &types.AttributeValueMemberS{Value: holder}})
		return nil
	}
	t.Fatalf("unknown step %s", s.do)
	return nil
}

func put(t *testing.T, table grants.Table, viewer string, attributes map[string]types.AttributeValue) {
	t.Helper()
	item := map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: "course-1"},
	}
	maps.Copy(item, attributes)
	if _, err := table.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item}); err != nil {
		t.Fatal(err)
	}
}

type step struct {
	do     string
	holder string // empty: ada
	sale   string
	until  int64
}

func TestSales(t *testing.T) {
	table := newTable(t)
	const ben = "email:ben@example.com"
	for _, tt := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{"one sale", []step{{do: "set", sale: "a", until: 100}}, []string{"ada course-1 sales={a:100} until=100"}},
		{"twice", []step{{do: "set", sale: "a", until: 100}, {do: "set", sale: "a", until: 100}}, []string{"ada course-1 sales={a:100} until=100"}},
		{"renewed", []step{{do: "set", sale: "a", until: 100}, {do: "set", sale: "a", until: 200}}, []string{"ada course-1 sales={a:200} until=200"}},
		{"shortened", []step{{do: "set", sale: "a", until: 200}, {do: "set", sale: "a", until: 100}}, []string{"ada course-1 sales={a:100} until=100"}},
		{"without expiry", []step{{do: "set", sale: "a"}}, []string{"ada course-1 sales={a:0}"}},
		{"two sales", []step{{do: "set", sale: "a", until: 200}, {do: "set", sale: "b", until: 100}}, []string{"ada course-1 sales={a:200 b:100} until=200"}},
		{"the longer one ends", []step{{do: "set", sale: "a", until: 200}, {do: "set", sale: "b", until: 100}, {do: "end", sale: "a"}}, []string{"ada course-1 sales={b:100} until=100"}},
		{"all end", []step{{do: "set", sale: "a", until: 200}, {do: "end", sale: "a"}}, nil},
		{"ends twice", []step{{do: "set", sale: "a", until: 200}, {do: "end", sale: "a"}, {do: "end", sale: "a"}}, nil},
		{"never was", []step{{do: "end", sale: "a"}}, nil},

		{"a sale beside a grant", []step{{do: "grant", until: 50}, {do: "set", sale: "a", until: 100}}, []string{"ada course-1 granted=50 sales={a:100} until=100"}},
		{"a grant beside a sale", []step{{do: "set", sale: "a", until: 100}, {do: "grant", until: 50}}, []string{"ada course-1 granted=50 sales={a:100} until=100"}},
		{"a grant without expiry beside a sale", []step{{do: "set", sale: "a", until: 100}, {do: "grant"}}, []string{"ada course-1 granted=0 sales={a:100}"}},
		{"a refund keeps the grant", []step{{do: "grant", until: 50}, {do: "set", sale: "a", until: 100}, {do: "end", sale: "a"}}, []string{"ada course-1 until=50"}},
		{"a refund keeps the grant without expiry", []step{{do: "grant"}, {do: "set", sale: "a", until: 100}, {do: "end", sale: "a"}}, []string{"ada course-1"}},
		{"revoked, the sale stays", []step{{do: "grant"}, {do: "set", sale: "a", until: 100}, {do: "revoke"}}, []string{"ada course-1 sales={a:100} until=100"}},
		{"revoked, a sale only", []step{{do: "set", sale: "a", until: 100}, {do: "revoke"}}, []string{"ada course-1 sales={a:100} until=100"}},
		{"revoked", []step{{do: "grant"}, {do: "revoke"}}, nil},
		{"granted again", []step{{do: "grant", until: 50}, {do: "grant", until: 70}}, []string{"ada course-1 until=70"}},
		{"granted again without expiry", []step{{do: "grant", until: 50}, {do: "grant"}}, []string{"ada course-1"}},

		{"an address", []step{{do: "set", holder: ben, sale: "a", until: 100}}, []string{ben + " course-1 sales={a:100} until=100"}},
		{"an address, refunded", []step{{do: "set", holder: ben, sale: "a", until: 100}, {do: "end", holder: ben, sale: "a"}}, nil},
		{"a claimed sale is renewed", []step{{do: "claim", holder: "ben", sale: "a"}, {do: "set", holder: "ben", sale: "a", until: 100}, {do: "set", holder: ben, sale: "a", until: 200}},
			[]string{"ben course-1 sales={a:200} until=200", "sale:a course-1 holder=ben"}},
		{"a claimed sale is refunded", []step{{do: "claim", holder: "ben", sale: "a"}, {do: "set", holder: "ben", sale: "a", until: 100}, {do: "end", holder: ben, sale: "a"}},
			[]string{"sale:a course-1 holder=ben"}},
		{"and the refund failed", []step{{do: "claim", holder: "ben", sale: "a"}, {do: "end", holder: ben, sale: "a"}, {do: "set", holder: ben, sale: "a"}},
			[]string{"ben course-1 sales={a:0}", "sale:a course-1 holder=ben"}},
		{"another sale of the address", []step{{do: "claim", holder: "ben", sale: "a"}, {do: "set", holder: ben, sale: "b", until: 5}},
			[]string{ben + " course-1 sales={b:5} until=5", "sale:a course-1 holder=ben"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			empty(t, table)
			for _, s := range tt.steps {
				if err := s.run(t, table); err != nil {
					t.Fatalf("%+v: %v", s, err)
				}
			}
			if got := contents(t, table); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func empty(t *testing.T, table grants.Table) {
	t.Helper()
	got, err := table.Client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table.Name, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range got.Items {
		key := map[string]types.AttributeValue{"viewer": item["viewer"], "path": item["path"]}
		if _, err := table.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Items that others wrote: nothing becomes a grant that was none, and other
// attributes stay.
func TestItemsOfOthers(t *testing.T) {
	table := newTable(t)
	for _, tt := range []struct {
		name  string
		item  map[string]types.AttributeValue
		steps []step
		want  []string
		err   string
	}{
		{"other attributes", map[string]types.AttributeValue{"order": text("7")}, []step{{do: "set", sale: "a", until: 100}, {do: "end", sale: "a"}}, []string{"ada course-1 order=7"}, ""},
		{"expired in 1970", map[string]types.AttributeValue{"until": &types.AttributeValueMemberN{Value: "0"}}, []step{{do: "set", sale: "a", until: 5}}, []string{"ada course-1 granted=1 sales={a:5} until=5"}, ""},
		{"until is a string", map[string]types.AttributeValue{"until": text("soon")}, []step{{do: "set", sale: "a"}}, []string{"ada course-1 until=soon"}, "attribute until of the grant of course-1 must be a number"},
		{"another expiry", map[string]types.AttributeValue{"ttl": &types.AttributeValueMemberN{Value: "5"}}, []step{{do: "set", sale: "a"}}, []string{"ada course-1 ttl=5"}, "attribute ttl"},
		{"sales are a string", map[string]types.AttributeValue{"sales": text("3")}, []step{{do: "set", sale: "a"}}, []string{"ada course-1 sales=3"}, "attribute sales"},
		{"sales are a string, granted", map[string]types.AttributeValue{"sales": text("3")}, []step{{do: "grant", until: 5}}, []string{"ada course-1 sales=3"}, "attribute sales"},
		{"sales are a string, revoked", map[string]types.AttributeValue{"sales": text("3")}, []step{{do: "revoke"}}, nil, ""},
		{"granted is a string, refunded", map[string]types.AttributeValue{"granted": text("x"), "sales": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"a": &types.AttributeValueMemberN{Value: "0"}}}},
			[]step{{do: "end", sale: "a"}}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			empty(t, table)
			put(t, table, "ada", tt.item)
			var err error
			for _, s := range tt.steps {
				if err = s.run(t, table); err != nil {
					break
				}
			}
			if fmt.Sprint(err) != "<nil>" && tt.err == "" || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if got := contents(t, table); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestSaleArguments(t *testing.T) {
	for _, tt := range []struct{ holder, path, sale, err string }{
		{"", "a", "s", "holder"},
		{"sale:x", "a", "s", "holder"},
		{"ada", "../a", "s", "path"},
		{"ada", "a", "", "sale"},
		{"ada", "a", strings.Repeat("s", 2048), "sale"},
	} {
		var table grants.Table // no call is made
		for _, err := range []error{table.SetSale(t.Context(), tt.holder, tt.path, tt.sale, time.Time{}), table.EndSale(t.Context(), tt.holder, tt.path, tt.sale)} {
			if err == nil || !strings.HasPrefix(err.Error(), tt.err+": invalid value") {
				t.Errorf("%+v: %v", tt, err)
			}
		}
	}
}

func TestTooManySales(t *testing.T) {
	table := newTable(t)
	for i := range grantitem.MaxSales {
		if err := table.SetSale(t.Context(), "ada", "a", fmt.Sprint("cs_", i), at(int64(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.SetSale(t.Context(), "ada", "a", "one more", at(1)); err == nil || !strings.Contains(err.Error(), "90 sales already") {
		t.Errorf("%v", err)
	}
	// Those that are there can still change.
	if err := table.SetSale(t.Context(), "ada", "a", "cs_0", at(500)); err != nil {
		t.Error(err)
	}
	if err := table.EndSale(t.Context(), "ada", "a", "cs_1"); err != nil {
		t.Error(err)
	}
	if list, err := table.List(t.Context(), "ada"); err != nil || len(list) != 1 || list[0].Until.Unix() != 500 || len(list[0].Parts.Sales) != 89 {
		t.Errorf("%v, %v", list, err)
	}
}

// Writers that meet at one item lose nothing.
func TestConcurrentSales(t *testing.T) {
	table := newTable(t)
	for _, holder := range []string{"ada", "email:ada@example.com"} {
		t.Run(holder, func(t *testing.T) {
			empty(t, table)
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					sale := fmt.Sprint("cs_", i)
					for _, until := range []int64{100, 200, 300 + int64(i)} {
						if err := table.SetSale(t.Context(), holder, "course-1", sale, at(until)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Go(func() {
				if err := table.Grant(t.Context(), holder, "course-1", at(50)); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			want := []string{holder + " course-1 granted=50 sales={cs_0:300 cs_1:301 cs_2:302 cs_3:303} until=303"}
			if got := contents(t, table); !slices.Equal(got, want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// A sale that is claimed between reading and writing changes at its new holder.
func TestSaleIsClaimedMeanwhile(t *testing.T) {
	const ben = "email:ben@example.com"
	for _, tt := range []struct {
		name string
		do   func(table grants.Table) error
		want []string
	}{
		{"set", func(table grants.Table) error { return table.SetSale(t.Context(), ben, "course-1", "a", at(200)) },
			[]string{"ben course-1 sales={a:200} until=200", "sale:a course-1 holder=ben"}},
		{"end", func(table grants.Table) error { return table.EndSale(t.Context(), ben, "course-1", "a") },
			[]string{"sale:a course-1 holder=ben"}},
		{"set again after it ended", func(table grants.Table) error { return table.SetSale(t.Context(), ben, "course-1", "a", at(300)) },
			[]string{"ben course-1 sales={a:300} until=300", "sale:a course-1 holder=ben"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := newTable(t)
			if !strings.HasSuffix(tt.name, "ended") {
				if err := table.SetSale(t.Context(), ben, "course-1", "a", at(100)); err != nil {
					t.Fatal(err)
				}
			}
			racing, calls := counted(table)
			claimed := false
			calls.end = func(operation string, _ int64) error {
				if operation != "TransactWriteItems" || claimed {
					return nil
				}
				claimed = true
				empty(t, table)
				put(t, table, "sale:a", map[string]types.AttributeValue{"holder": text("ben")})
				if strings.HasSuffix(tt.name, "ended") {
					return nil // at ben's too
				}
				return table.SetSale(t.Context(), "ben", "course-1", "a", at(100))
			}
			if err := tt.do(racing); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, table); !claimed || !slices.Equal(got, tt.want) {
				t.Errorf("the table has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestForget(t *testing.T) {
	table := newTable(t)
	for _, sale := range []string{"a", "b"} {
		if err := table.SetSale(t.Context(), "ada", "course-1", sale, at(5)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, table, "sale:a", map[string]types.AttributeValue{"holder": text("ada")})
	put(t, table, "sale:ended", map[string]types.AttributeValue{"holder": text("ada")})
	put(t, table, "sale:email:ada@old.example", map[string]types.AttributeValue{"holder": text("ada"), "granted": number(0)})
	put(t, table, "sale:other", map[string]types.AttributeValue{"holder": text("ben")})
	put(t, table, "ben", nil)
	list, err := table.List(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	sales, claimed, err := table.Sales(t.Context(), "ada", list)
	if err != nil || !slices.Equal(sales, []string{"a", "b", "ended"}) || !slices.Equal(claimed, []string{"email:ada@old.example"}) {
		t.Errorf("sales %q, claimed %q, %v", sales, claimed, err)
	}
	for _, want := range []int{1, 0} {
		if n, err := table.Forget(t.Context(), "ada"); err != nil || n != want {
			t.Errorf("removed %d, %v; want %d", n, err, want)
		}
	}
	if got := contents(t, table); !slices.Equal(got, []string{"ben course-1", "sale:other course-1 holder=ben"}) {
		t.Errorf("the table has %q", got)
	}
}

package diagnosis

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

// advisePolicy says what to do about a policy that cannot be used.
func (e *explanation) advisePolicy() string {
	sent := carried(e.request)
	custom, end := sent.has(policy), sent.has(expires)
	switch {
	case custom && end:
		return fmt.Sprintf("The request has both %s and %s: send only one. For HLS send %s; the other covers a single URL.", sent.name(policy), sent.name(expires), sent.name(policy))
	case !custom && !end:
		if wrong := e.misspelt(policy); wrong != "" && !sent.url {
			return wrong
		}
		return fmt.Sprintf("The request carries no %s: send it too, as it was set along with the others%s.", sent.name(policy), e.withheld(sent.name(policy)))
	case end:
		return e.adviseExpires(sent.get(expires))
	}
	raw, err := signedcookie.Decode(sent.get(policy))
	if err != nil {
		if r, ok := e.mendPolicy(sent); ok {
			return e.Called(policy) + " " + r.wrong + ": " + r.right + "."
		}
		return e.adviseEncoding(policy)
	}
	return e.advisePolicyText(raw)
}

// mendPolicy finds the repair after which a policy decodes; what it then says
// can have mistakes too.
func (e *explanation) mendPolicy(sent carrier) (repair, bool) {
	if r, ok := e.mend(policy, cloudfront.CheckPolicy); ok {
		return r, true
	}
	for _, r := range repairs {
		if fixed, ok := r.fix(sent.get(policy)); ok {
			if raw, err := signedcookie.Decode(fixed); err == nil && json.Valid(raw) {
				return r, true
			}
		}
	}
	return repair{}, false
}

func (e *explanation) adviseExpires(value string) string {
	if r, ok := e.mend(expires, cloudfront.CheckPolicy); ok && r.wrong != "is not encoded" {
		return e.Called(expires) + " " + r.wrong + ": send the seconds since 1970 as they are."
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > lastSecond {
		return fmt.Sprintf("%s is %s, which is milliseconds: send seconds since 1970, %d.", e.Called(expires), value, n/1000)
	}
	return fmt.Sprintf("%s is %q: send the end as seconds since 1970, digits only.", e.Called(expires), shorten(value))
}

// lastSecond is the last that CloudFront takes, in January 2038.
const lastSecond = 1<<31 - 1

// advisePolicyText says what is wrong with the text of a policy.
func (e *explanation) advisePolicyText(raw []byte) string {
	text := strings.TrimSpace(string(raw))
	var inner string
	switch {
	case text == "":
		return e.Called(policy) + " is empty: get new cookies, and if they are empty too, look at what signs them."
	case strings.HasPrefix(text, "\uFEFF"):
		return "The policy begins with a byte order mark: write it without one, and sign those bytes."
	case strings.Contains(text, "\x00"):
		return "The policy is written in UTF-16: write it in UTF-8, and sign those bytes."
	case isEncodedTwice(text):
		return e.Called(policy) + " is encoded twice: encode the policy's JSON as base64 once."
	case json.Unmarshal(raw, &inner) == nil:
		return "The policy is a JSON string with JSON inside: write the object itself, sign those bytes, and encode them once."
	}
	var syntax *json.SyntaxError
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		if s, ok := err.(*json.SyntaxError); ok {
			syntax = s
		}
		switch {
		case strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b"):
			return "The policy was URL-encoded before it was encoded as base64: sign and encode the JSON as it is."
		case syntax != nil && syntax.Offset >= int64(len(raw)):
			return fmt.Sprintf("The policy is cut off after %d bytes: send the whole cookie; a cookie holds at most 4096 bytes in browsers.", len(raw))
		case syntax != nil:
			return fmt.Sprintf("The policy is not JSON from byte %d on: write it with a JSON library, in double quotes and without a comma after the last member.", syntax.Offset)
		}
	}
	if advice := e.adviseStatement(document); advice != "" {
		return advice
	}
	return e.capital(e.decision.Reason) + ": write it as " + e.example() + "."
}

// example is a policy that ends an hour later.
func (e *explanation) example() string {
	return fmt.Sprintf(`{"Statement":[{"Resource":"https://%s/PATH/*","Condition":{%s}}]}`, hostOf(e.request.URL), e.date("DateLessThan"))
}

func (e *explanation) date(name string) string {
	return fmt.Sprintf(`"%s":{"AWS:EpochTime":%d}`, name, e.request.Time.Add(time.Hour).Unix())
}

func isEncodedTwice(text string) bool {
	for _, decode := range []func(string) ([]byte, error){signedcookie.Decode, base64.StdEncoding.DecodeString} {
		if inner, err := decode(text); err == nil && len(inner) > 0 && json.Valid(inner) && !json.Valid([]byte(text)) {
			return true
		}
	}
	return false
}

type object = map[string]any

// adviseStatement goes through the members of a policy in the order in which
// they are written.
func (e *explanation) adviseStatement(document any) string {
	top, ok := document.(object)
	if !ok {
		return "The policy is not a JSON object: write it as " + e.example() + "."
	}
	if advice := members("policy", top, "Statement"); advice != "" {
		return advice
	}
	list, ok := top["Statement"].([]any)
	switch {
	case !ok && top["Statement"] != nil:
		return "The policy's Statement is not a list: put square brackets around the one statement."
	case len(list) == 0:
		return "The policy has no statement: write it as " + e.example() + "."
	case len(list) > 1:
		return fmt.Sprintf("The policy has %d statements, and CloudFront takes exactly one: cover all of them by one Resource with a *, or set a set of cookies for each Path.", len(list))
	}
	statement, ok := list[0].(object)
	if !ok {
		return "The policy's statement is not a JSON object: write the policy as " + e.example() + "."
	}
	if advice := members("statement", statement, "Resource", "Condition"); advice != "" {
		return advice
	}
	resource, ok := statement["Resource"].(string)
	switch {
	case !ok && statement["Resource"] != nil:
		return "The policy's Resource is not a string: CloudFront takes one URL, in which * may stand for any characters."
	case resource == "":
		return "The policy has no Resource: name the URL that it opens, as in https://" + hostOf(e.request.URL) + "/path/*."
	case !strings.HasPrefix(resource, "http://") && !strings.HasPrefix(resource, "https://"):
		return fmt.Sprintf("The policy's Resource is %s, and has no scheme and host: write https://%s/%s.", resource, hostOf(e.request.URL), strings.TrimPrefix(strings.TrimPrefix(resource, hostOf(e.request.URL)), "/"))
	}
	condition, ok := statement["Condition"].(object)
	if !ok {
		return "The policy has no Condition: CloudFront demands an end, as in \"Condition\":{" + e.date("DateLessThan") + "}."
	}
	return e.adviseCondition(condition)
}

func (e *explanation) adviseCondition(condition object) string {
	if advice := members("Condition", condition, "DateLessThan", "DateGreaterThan", "IpAddress"); advice != "" {
		return advice
	}
	if condition["DateLessThan"] == nil {
		return "The policy has no DateLessThan, the end that CloudFront demands: add " + e.date("DateLessThan") + " to its Condition."
	}
	for _, name := range []string{"DateLessThan", "DateGreaterThan"} {
		if advice := e.adviseEpoch(name, condition[name]); advice != "" {
			return advice
		}
	}
	address, ok := condition["IpAddress"].(object)
	if !ok {
		return ""
	}
	if advice := members("IpAddress", address, "AWS:SourceIp"); advice != "" {
		return advice
	}
	switch source := address["AWS:SourceIp"].(type) {
	case string:
		if strings.Contains(source, ":") {
			return fmt.Sprintf("The policy's address is %s, an IPv6 address, which CloudFront does not take: bind an IPv4 address or block, or none, and turn IPv6 off for the distribution if you bind one.", source)
		}
		return fmt.Sprintf("The policy's address is %q: write an IPv4 address or CIDR block, as in 192.0.2.0/24.", source)
	case []any:
		return "The policy has a list of addresses, and CloudFront takes one: write one IPv4 address or CIDR block, as in 192.0.2.0/24."
	}
	return ""
}

func (e *explanation) adviseEpoch(name string, date any) string {
	if date == nil {
		return ""
	}
	o, ok := date.(object)
	if !ok {
		return fmt.Sprintf("The policy's %s is not an object: write %s.", name, e.date(name))
	}
	if advice := members(name, o, "AWS:EpochTime"); advice != "" {
		return advice
	}
	switch epoch := o["AWS:EpochTime"].(type) {
	case nil:
		return fmt.Sprintf("The policy's %s has no AWS:EpochTime: write %s.", name, e.date(name))
	case string:
		if _, err := strconv.ParseInt(epoch, 10, 64); err == nil {
			return fmt.Sprintf("The policy's %s is a string, %q: write the number without quotes.", name, epoch)
		}
		if t, err := time.Parse(time.RFC3339, epoch); err == nil {
			return fmt.Sprintf("The policy's %s is the date %s: write seconds since 1970, %d.", name, epoch, t.Unix())
		}
		return fmt.Sprintf("The policy's %s is a string, %q: write seconds since 1970, a number without quotes.", name, epoch)
	case float64:
		switch {
		case epoch/1000 > 1e8 && epoch/1000 <= lastSecond: // later than 1973
			return fmt.Sprintf("The policy's %s is %.0f, which is milliseconds: write seconds, %.0f.", name, epoch, epoch/1000)
		case epoch > lastSecond:
			return fmt.Sprintf("The policy's %s is %.0f, which is after January 2038: CloudFront takes seconds up to %d.", name, epoch, lastSecond)
		case epoch != float64(int64(epoch)):
			return fmt.Sprintf("The policy's %s is %s: write whole seconds.", name, strconv.FormatFloat(epoch, 'f', -1, 64))
		}
	}
	return ""
}

// members says what is wrong with the names of an object's members.
func members(what string, o object, names ...string) string {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if slices.Contains(names, name) {
			continue
		}
		for _, right := range names {
			if strings.EqualFold(right, name) {
				return fmt.Sprintf("The policy has %q where it must be %q: names are case-sensitive.", name, right)
			}
		}
		switch name {
		case "Effect", "Action", "Principal", "Version", "Id", "Sid":
			return fmt.Sprintf("The policy's %s has %q, which belongs to IAM: CloudFront's policies have Resource and Condition only.", what, name)
		}
		return fmt.Sprintf("The policy's %s has %q, which CloudFront does not know: take it out, for it knows %s there.", what, name, strings.Join(names, ", "))
	}
	return ""
}

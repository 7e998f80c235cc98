package cognito

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"premiumhls/local/jsonservice"
)

// Admin returns the API with which an owner manages the users of the pool, as far
// as the commands use it: ListUsers with a filter by email or sub, and
// AdminDeleteUser. poolARN is the ARN of the pool.
func (p *Provider) Admin(poolARN string, authorize func(r *http.Request, action string, resources ...string) error) http.Handler {
	return &jsonservice.Service{
		Name: "Cognito", TargetPrefix: "AWSCognitoIdentityProviderService.", Internal: "InternalErrorException", IAMPrefix: "cognito-idp",
		Authorize: authorize,
		Resources: func(string, []byte) []string { return []string{poolARN} },
		Call: func(operation string, body []byte, _ jsonservice.Fault) (any, error) {
			var in struct{ UserPoolID, Filter, Username string }
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, &jsonservice.Error{Code: "InvalidParameterException", Message: err.Error()}
			}
			if !strings.HasSuffix(poolARN, "/"+in.UserPoolID) {
				return nil, &jsonservice.Error{Code: "ResourceNotFoundException", Message: "User pool " + in.UserPoolID + " does not exist."}
			}
			switch operation {
			case "ListUsers":
				return p.listUsers(in.Filter)
			case "AdminDeleteUser":
				return p.deleteUser(in.Username)
			}
			return nil, &jsonservice.Error{Code: "UnknownOperationException", Message: operation + ": not supported by the local run"}
		},
	}
}

// userFilter is a filter for one value of an attribute (Amazon Cognito user pools
// API reference, "ListUsers"). Quotes in the value are escaped.
var userFilter = regexp.MustCompile(`^\s*(email|sub)\s*=\s*"((?:[^"\\]|\\.)*)"\s*$`)

type userAttribute struct{ Name, Value string }

type user struct {
	Username   string
	Attributes []userAttribute
	Enabled    bool
	UserStatus string
}

func (p *Provider) listUsers(filter string) (any, error) {
	parts := userFilter.FindStringSubmatch(filter)
	if parts == nil {
		return nil, &jsonservice.Error{Code: "InvalidParameterException", Message: "Error while parsing filter"}
	}
	want := regexp.MustCompile(`\\(.)`).ReplaceAllString(parts[2], "$1")
	users := []user{}
	for _, v := range p.Viewers() {
		if parts[1] == "email" && v.Email == want || parts[1] == "sub" && v.Subject == want {
			users = append(users, user{Username: v.Username, Enabled: true, UserStatus: "CONFIRMED", Attributes: []userAttribute{
				{"sub", v.Subject}, {"email", v.Email}, {"email_verified", "true"},
			}})
		}
	}
	return map[string]any{"Users": users}, nil
}

func (p *Provider) deleteUser(name string) (any, error) {
	v, ok := p.viewer(name)
	if !ok || !p.Remove(v.Subject) {
		return nil, &jsonservice.Error{Code: "UserNotFoundException", Message: "User does not exist."}
	}
	return struct{}{}, nil
}

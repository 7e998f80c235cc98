package cloudformation

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"premiumhls/local/iam"
)

// Statuses of an existing stack.
const (
	CreateInProgress         = "CREATE_IN_PROGRESS"
	UpdateInProgress         = "UPDATE_IN_PROGRESS"
	UpdateComplete           = "UPDATE_COMPLETE"
	UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS"
)

const (
	namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
	maxBody   = 64 << 10
)

type describeStacksResponse struct {
	XMLName xml.Name `xml:"DescribeStacksResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Stacks  []stack  `xml:"DescribeStacksResult>Stacks>member"`
}

type stack struct {
	StackID      string `xml:"StackId"`
	StackName    string
	StackStatus  string
	CreationTime string
}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

// Handler returns a CloudFormation endpoint with DescribeStacks for one stack by
// name. status returns the status of the stack with a name or id, "" if there is
// none; it is called concurrently. Authorize, unless nil, decides whether a
// signed request may perform an action on a stack.
func Handler(status func(stack string) string, authorize func(r *http.Request, action string, resources ...string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if action := r.PostFormValue("Action"); r.Method != http.MethodPost || action != "DescribeStacks" {
			refuse(w, http.StatusBadRequest, "InvalidAction", fmt.Sprintf("%q: unsupported operation", action))
			return
		}
		name := r.PostForm.Get("StackName")
		if authorize != nil {
			if err := authorize(r, "cloudformation:DescribeStacks", name); err != nil {
				code := "AccessDenied"
				if errors.As(err, new(iam.ErrUnknownCaller)) {
					code = "InvalidClientTokenId"
				}
				refuse(w, http.StatusForbidden, code, err.Error())
				return
			}
		}
		now := status(name)
		if now == "" {
			refuse(w, http.StatusBadRequest, "ValidationError", "Stack with id "+name+" does not exist")
			return
		}
		writeXML(w, http.StatusOK, describeStacksResponse{Xmlns: namespace, Stacks: []stack{{
			StackID: name, StackName: name, StackStatus: now, CreationTime: time.Unix(0, 0).UTC().Format(time.RFC3339),
		}}})
	})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	writeXML(w, status, errorResponse{Xmlns: namespace, Type: "Sender", Code: code, Message: message})
}

func writeXML(w http.ResponseWriter, status int, result any) {
	body, err := xml.Marshal(result)
	if err != nil {
		panic(err) // bug: a type that is not XML
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have disconnected
}

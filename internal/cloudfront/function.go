package cloudfront

import "premiumhls/internal/cfn"

// Functions are the CloudFront Functions of a behavior; nil means none.
type Functions struct{ ViewerRequest, ViewerResponse *Function }

// A Function is a CloudFront Function of a template.
type Function struct {
	Name string
	Code string // JavaScript for the runtime cloudfront-js-2.0
}

// functions reads the functions that a behavior names.
func (r *reader) functions(b *cfn.Properties) (f Functions) {
	for _, association := range b.Objects("FunctionAssociations") {
		arn := association.Required("FunctionARN")
		event := association.Required("EventType")
		association.Done()
		resource, ok := r.byID["AWS::CloudFront::Function"][arn]
		if !ok {
			b.Fail("FunctionAssociations", "%q is not in the template", arn)
			continue
		}
		p := cfn.PropertiesOf(resource, &r.errs)
		p.Ignore("AutoPublish", "Tags")
		function := &Function{Name: p.Text("Name"), Code: p.Required("FunctionCode")}
		config := p.Object("FunctionConfig")
		config.Ignore("Comment")
		config.Reject("KeyValueStoreAssociations")
		config.OneOf("Runtime", "", "cloudfront-js-2.0")
		config.Done()
		p.Done()
		switch event {
		case "viewer-request":
			f.ViewerRequest = function
		case "viewer-response":
			f.ViewerResponse = function
		default:
			b.Fail("FunctionAssociations", "invalid EventType %q: must be viewer-request or viewer-response", event)
		}
	}
	return f
}

package cfn

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Placeholder returns a physical id and attributes for a resource that no
// service has created, in the form that AWS gives them. They are always the same
// for the same stack, logical id and name. Attributes of an unknown type are Arn
// and Id only, so that a template which uses another does not resolve.
func Placeholder(env Environment, logicalID, resourceType string, properties map[string]any) (physicalID string, attributes map[string]any) {
	describe, ok := descriptions[resourceType]
	if !ok {
		describe = describeUnknown
	}
	return describe(subject{env, logicalID, resourceType, properties})
}

// subject is a resource to describe.
type subject struct {
	env        Environment
	logicalID  string
	kind       string
	properties map[string]any
}

const (
	upperDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowerDigits = "0123456789abcdefghijklmnopqrstuvwxyz"
	hexDigits   = "0123456789abcdef"
)

// token is n characters of an alphabet that look random and are always the same.
func (s subject) token(alphabet string, n int) string {
	sum := sha256.Sum256([]byte(s.env.AccountID + "\x00" + s.env.StackName + "\x00" + s.logicalID + "\x00" + alphabet))
	token := make([]byte, n)
	for i := range token {
		token[i] = alphabet[int(sum[i%len(sum)])%len(alphabet)]
	}
	return string(token)
}

func (s subject) uuid() string {
	t := s.token(hexDigits, 32)
	return t[:8] + "-" + t[8:12] + "-4" + t[13:16] + "-8" + t[17:20] + "-" + t[20:]
}

// name is the resource's name from a property, or one that CloudFormation
// would generate.
func (s subject) name(property string) string {
	if name, ok := s.properties[property].(string); ok && name != "" {
		return name
	}
	const most = 24 // of each part, so that a bucket's 63 characters are enough
	return truncate(s.env.StackName, most) + "-" + truncate(s.logicalID, most) + "-" + s.token(upperDigits, 12)
}

// inner is the subject with the properties of one of its properties.
func (s subject) inner(property string) subject {
	s.properties, _ = s.properties[property].(map[string]any)
	return s
}

func truncate(s string, n int) string { return s[:min(len(s), n)] }

func (s subject) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.env.Partition, service, s.env.Region, s.env.AccountID, resource)
}

// globalARN is the ARN of something that belongs to no region.
func (s subject) globalARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", s.env.Partition, service, s.env.AccountID, resource)
}

type attributes = map[string]any

const madeAt = "2026-01-01T00:00:00Z" // a time that never changes, for attributes that are one

// described has the attribute Id, and others with the same value.
func described(id string, others ...string) (string, attributes) {
	a := attributes{"Id": id}
	for _, name := range others {
		a[name] = id
	}
	return id, a
}

func describeUnknown(s subject) (string, attributes) {
	id := s.name("Name")
	service := "unknown"
	if parts := strings.Split(s.kind, "::"); len(parts) == 3 {
		service = strings.ToLower(parts[1])
	}
	return id, attributes{"Id": id, "Arn": s.arn(service, id)}
}

func describePolicy(s subject) (string, attributes) {
	id, a := described(s.uuid())
	a["LastModifiedTime"] = madeAt
	return id, a
}

// descriptions gives the physical id and the attributes of a type, as the
// CloudFormation resource reference lists them under "Return values".
var descriptions = map[string]func(subject) (string, attributes){
	"AWS::S3::Bucket": func(s subject) (string, attributes) {
		name := strings.ToLower(s.name("BucketName"))
		return name, attributes{
			"Arn":                 fmt.Sprintf("arn:%s:s3:::%s", s.env.Partition, name),
			"DomainName":          name + ".s3." + s.env.URLSuffix,
			"RegionalDomainName":  fmt.Sprintf("%s.s3.%s.%s", name, s.env.Region, s.env.URLSuffix),
			"DualStackDomainName": fmt.Sprintf("%s.s3.dualstack.%s.%s", name, s.env.Region, s.env.URLSuffix),
		}
	},
	"AWS::CloudFront::Distribution": func(s subject) (string, attributes) {
		id, a := described("E" + s.token(upperDigits, 13))
		a["DomainName"] = "d" + s.token(lowerDigits, 13) + ".cloudfront.net"
		return id, a
	},
	"AWS::CloudFront::PublicKey": func(s subject) (string, attributes) {
		id, a := described("K" + s.token(upperDigits, 13))
		a["CreatedTime"] = madeAt
		return id, a
	},
	"AWS::CloudFront::OriginAccessControl": func(s subject) (string, attributes) {
		return described("E" + s.token(upperDigits, 13))
	},
	"AWS::CloudFront::KeyGroup":              describePolicy,
	"AWS::CloudFront::CachePolicy":           describePolicy,
	"AWS::CloudFront::OriginRequestPolicy":   describePolicy,
	"AWS::CloudFront::ResponseHeadersPolicy": describePolicy,
	"AWS::CloudFront::Function": func(s subject) (string, attributes) {
		arn := s.globalARN("cloudfront", "function/"+s.name("Name"))
		return arn, attributes{"FunctionARN": arn, "FunctionMetadata.FunctionARN": arn, "Stage": "LIVE"}
	},
	"AWS::Lambda::Function": func(s subject) (string, attributes) {
		name := s.name("FunctionName")
		return name, attributes{"Arn": s.arn("lambda", "function:"+name)}
	},
	"AWS::Lambda::LayerVersion": func(s subject) (string, attributes) {
		arn := s.arn("lambda", "layer:"+s.name("LayerName")+":1")
		return arn, attributes{"LayerVersionArn": arn}
	},
	"AWS::IAM::Role": func(s subject) (string, attributes) {
		name := s.name("RoleName")
		return name, attributes{"Arn": s.globalARN("iam", "role/"+name), "RoleId": "AROA" + s.token(upperDigits, 17)}
	},
	"AWS::IAM::Policy": func(s subject) (string, attributes) { return described(s.name("")) },
	"AWS::IAM::ManagedPolicy": func(s subject) (string, attributes) {
		arn := s.globalARN("iam", "policy/"+s.name("ManagedPolicyName"))
		return arn, attributes{"PolicyArn": arn, "PolicyId": "ANPA" + s.token(upperDigits, 17)}
	},
	"AWS::ApiGatewayV2::Api": func(s subject) (string, attributes) {
		id := s.token(lowerDigits, 10)
		return id, attributes{"ApiId": id, "ApiEndpoint": fmt.Sprintf("https://%s.execute-api.%s.%s", id, s.env.Region, s.env.URLSuffix)}
	},
	"AWS::ApiGatewayV2::Stage": func(s subject) (string, attributes) { return s.name("StageName"), attributes{} },
	"AWS::ApiGatewayV2::Route": func(s subject) (string, attributes) {
		id := s.token(lowerDigits, 7)
		return id, attributes{"RouteId": id}
	},
	"AWS::ApiGatewayV2::Integration": func(s subject) (string, attributes) {
		id := s.token(lowerDigits, 7)
		return id, attributes{"IntegrationId": id}
	},
	"AWS::ApiGatewayV2::Authorizer": func(s subject) (string, attributes) {
		id := s.token(lowerDigits, 6)
		return id, attributes{"AuthorizerId": id}
	},
	"AWS::Cognito::UserPool": func(s subject) (string, attributes) {
		id := s.env.Region + "_" + s.token(upperDigits, 9)
		provider := fmt.Sprintf("cognito-idp.%s.%s/%s", s.env.Region, s.env.URLSuffix, id)
		return id, attributes{"UserPoolId": id, "Arn": s.arn("cognito-idp", "userpool/"+id), "ProviderName": provider, "ProviderURL": "https://" + provider}
	},
	"AWS::Cognito::UserPoolClient": func(s subject) (string, attributes) {
		id := s.token(lowerDigits, 26)
		return id, attributes{"ClientId": id, "Name": s.name("ClientName")}
	},
	"AWS::Cognito::UserPoolDomain": func(s subject) (string, attributes) {
		return s.name("Domain"), attributes{"CloudFrontDistribution": "d" + s.token(lowerDigits, 13) + ".cloudfront.net"}
	},
	"AWS::Logs::LogGroup": func(s subject) (string, attributes) {
		name := s.name("LogGroupName")
		return name, attributes{"Arn": s.arn("logs", "log-group:"+name+":*")}
	},
	"AWS::KMS::Key": func(s subject) (string, attributes) {
		id := s.uuid()
		return id, attributes{"KeyId": id, "Arn": s.arn("kms", "key/"+id)}
	},
	"AWS::DynamoDB::Table": func(s subject) (string, attributes) {
		name := s.name("TableName")
		return name, attributes{"Arn": s.arn("dynamodb", "table/"+name)}
	},
	"AWS::SSM::Parameter": func(s subject) (string, attributes) {
		name, ok := s.properties["Name"].(string)
		if !ok {
			name = "CFN-" + truncate(s.logicalID, 24) + "-" + s.token(upperDigits, 12)
		}
		return name, attributes{"Type": s.properties["Type"], "Value": s.properties["Value"]}
	},
	"AWS::SNS::Topic": func(s subject) (string, attributes) {
		name := s.name("TopicName")
		arn := s.arn("sns", name)
		return arn, attributes{"TopicArn": arn, "TopicName": name}
	},
	"AWS::SQS::Queue": func(s subject) (string, attributes) {
		name := s.name("QueueName")
		url := fmt.Sprintf("https://sqs.%s.%s/%s/%s", s.env.Region, s.env.URLSuffix, s.env.AccountID, name)
		return url, attributes{"Arn": s.arn("sqs", name), "QueueName": name, "QueueUrl": url}
	},
	"AWS::CloudWatch::Alarm": func(s subject) (string, attributes) {
		name := s.name("AlarmName")
		return name, attributes{"Arn": s.arn("cloudwatch", "alarm:"+name)}
	},
	"AWS::CloudWatch::Dashboard":    func(s subject) (string, attributes) { return s.name("DashboardName"), attributes{} },
	"AWS::Logs::LogStream":          func(s subject) (string, attributes) { return s.name("LogStreamName"), attributes{} },
	"AWS::Logs::MetricFilter":       func(s subject) (string, attributes) { return s.name("FilterName"), attributes{} },
	"AWS::Logs::SubscriptionFilter": func(s subject) (string, attributes) { return s.name("FilterName"), attributes{} },
	"AWS::Logs::DeliverySource": func(s subject) (string, attributes) {
		name := s.name("Name")
		return name, attributes{"Arn": s.arn("logs", "delivery-source:"+name)}
	},
	"AWS::Logs::DeliveryDestination": func(s subject) (string, attributes) {
		name := s.name("Name")
		return name, attributes{"Arn": s.arn("logs", "delivery-destination:"+name)}
	},
	"AWS::Logs::Delivery": func(s subject) (string, attributes) {
		id := s.token(upperDigits, 16)
		return id, attributes{"Arn": s.arn("logs", "delivery:"+id), "DeliveryId": id}
	},
	"AWS::KinesisFirehose::DeliveryStream": func(s subject) (string, attributes) {
		name := s.name("DeliveryStreamName")
		return name, attributes{"Arn": s.arn("firehose", "deliverystream/"+name)}
	},
	"AWS::Glue::Database": func(s subject) (string, attributes) { return s.inner("DatabaseInput").name("Name"), attributes{} },
	"AWS::Glue::Table":    func(s subject) (string, attributes) { return s.inner("TableInput").name("Name"), attributes{} },
	"AWS::Athena::WorkGroup": func(s subject) (string, attributes) {
		return s.name("Name"), attributes{"CreationTime": madeAt}
	},
	"AWS::Athena::NamedQuery": func(s subject) (string, attributes) {
		id := s.uuid()
		return id, attributes{"NamedQueryId": id}
	},
}

package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"

	"premiumhls/internal/catalog"
)

// The names of what a job writes below its folder. MediaConvert makes of them
// the names of playlists and segments (MediaConvert user guide, "Output file
// names and paths"): v_1080.m3u8, v_1080_000000001.cmfv, v_1080init.cmfv.
const (
	baseName      = "v"
	audioModifier = "_audio"
	stillsFolder  = "stills/"
	posterName    = "poster"
	thumbName     = "thumb"
)

// The keys of a job's user metadata, which come back in its events.
const (
	metaStack   = "stack"
	metaCourse  = "course"
	metaLesson  = "lesson"
	metaVersion = "version"
)

const (
	keyFrameSeconds = 2
	audioRate       = 128_000 // bits a second, for stereo
	monoRate        = 96_000
)

// A pictures says which stills a job takes.
type pictures struct {
	Interval    int // seconds between two thumbnails
	ThumbWidth  int
	ThumbHeight int
	PosterAfter int // seconds; the poster is the frame at this time
}

// maxThumbs bounds the pictures of a storyboard.
const maxThumbs = 400

// pictures chooses an interval at which even a long film has no more than
// maxThumbs.
func (s source) pictures() pictures {
	p := pictures{Interval: 5, ThumbWidth: 160}
	for float64(maxThumbs*p.Interval) < s.Duration {
		p.Interval += 5
	}
	p.ThumbHeight = max(p.ThumbWidth*s.Height/s.Width/2*2, minSide)
	if s.Height > s.Width {
		p.ThumbHeight = 160
		p.ThumbWidth = max(p.ThumbHeight*s.Width/s.Height/2*2, minSide)
	}
	p.PosterAfter = max(min(10, int(s.Duration/3)), 1)
	return p
}

// job is the order for MediaConvert: one CMAF group with every rendition and
// the audio apart, and stills for poster and storyboard. The segments are in
// the clear: the signature is the lock.
func (h *handler) job(r *catalog.Record, s source) *mediaconvert.CreateJobInput {
	folder := h.bucket.url(encodeFolder(r.Course, r.Lesson, r.Job.Version))
	input := types.Input{
		FileInput: aws.String(h.bucket.url(r.Film.Key)),
		VideoSelector: &types.VideoSelector{
			// The default ignores the rotation of films from phones.
			Rotate: types.InputRotateAuto,
		},
		TimecodeSource: types.InputTimecodeSourceZerobased,
	}
	group := types.OutputGroup{
		Name: aws.String("video"),
		OutputGroupSettings: &types.OutputGroupSettings{
			Type: types.OutputGroupTypeCmafGroupSettings,
			CmafGroupSettings: &types.CmafGroupSettings{
				Destination:                     aws.String(folder + baseName),
				SegmentControl:                  types.CmafSegmentControlSegmentedFiles,
				SegmentLength:                   aws.Int32(int32(h.settings.SegmentSeconds)),
				SegmentLengthControl:            types.CmafSegmentLengthControlGopMultiple,
				FragmentLength:                  aws.Int32(keyFrameSeconds),
				WriteHlsManifest:                types.CmafWriteHLSManifestEnabled,
				WriteDashManifest:               types.CmafWriteDASHManifestDisabled,
				ManifestDurationFormat:          types.CmafManifestDurationFormatFloatingPoint,
				TargetDurationCompatibilityMode: types.CmafTargetDurationCompatibilityModeSpecCompliant,
				CodecSpecification:              types.CmafCodecSpecificationRfc6381,
				StreamInfResolution:             types.CmafStreamInfResolutionInclude,
				// The first frame is at 0, where captions count from.
				VideoCompositionOffsets: types.CmafVideoCompositionOffsetsSigned,
			},
		},
	}
	fps, ladder := s.frameRate(), s.ladder(h.settings.TopRendition)
	for _, rendition := range ladder {
		group.Outputs = append(group.Outputs, video(rendition, h264(rendition, fps), ""))
		if h.settings.HEVC {
			group.Outputs = append(group.Outputs, video(rendition, hevc(rendition, fps), hevcModifier))
		}
	}
	if s.Channels > 0 {
		input.AudioSelectors = map[string]types.AudioSelector{audioSelector: {DefaultSelection: types.AudioDefaultSelectionDefault}}
		group.Outputs = append(group.Outputs, audio(s.Channels, r.Metadata.Language))
	}
	p := s.pictures()
	order := &mediaconvert.CreateJobInput{
		Role:                 aws.String(h.settings.Role),
		ClientRequestToken:   aws.String(r.Job.Token),
		StatusUpdateInterval: types.StatusUpdateIntervalSeconds10,
		UserMetadata: map[string]string{
			metaStack: h.settings.Stack, metaCourse: r.Course, metaLesson: r.Lesson, metaVersion: r.Job.Version,
		},
		Settings: &types.JobSettings{
			TimecodeConfig: &types.TimecodeConfig{Source: types.TimecodeSourceZerobased},
			Inputs:         []types.Input{input},
			OutputGroups: []types.OutputGroup{
				group,
				stills("poster", folder+stillsFolder+posterName, ladder[0].Width, ladder[0].Height,
					// The first capture is the first frame, which is often black.
					&types.FrameCaptureSettings{FramerateNumerator: aws.Int32(1), FramerateDenominator: aws.Int32(int32(p.PosterAfter)), MaxCaptures: aws.Int32(2), Quality: aws.Int32(80)}),
				stills("storyboard", folder+stillsFolder+thumbName, p.ThumbWidth, p.ThumbHeight,
					&types.FrameCaptureSettings{FramerateNumerator: aws.Int32(1), FramerateDenominator: aws.Int32(int32(p.Interval)), MaxCaptures: aws.Int32(maxThumbs), Quality: aws.Int32(70)}),
			},
		},
	}
	if s.HDR {
		standardRange(order.Settings)
	}
	return order
}

// standardRange has every picture of a job converted from high dynamic range:
// as it is, it would look pale on most screens.
func standardRange(job *types.JobSettings) {
	for _, group := range job.OutputGroups {
		for i := range group.Outputs {
			if v := group.Outputs[i].VideoDescription; v != nil {
				v.VideoPreprocessors = &types.VideoPreprocessor{ColorCorrector: &types.ColorCorrector{ColorSpaceConversion: types.ColorSpaceConversionForce709}}
			}
		}
	}
}

const (
	audioSelector = "Audio Selector 1"
	hevcModifier  = "_hevc"
)

func video(r rendition, codec *types.VideoCodecSettings, suffix string) types.Output {
	return types.Output{
		NameModifier: aws.String("_" + r.Name + suffix),
		ContainerSettings: &types.ContainerSettings{
			Container:    types.ContainerTypeCmfc,
			CmfcSettings: &types.CmfcSettings{IFrameOnlyManifest: types.CmfcIFrameOnlyManifestInclude},
		},
		VideoDescription: &types.VideoDescription{
			Width:           aws.Int32(int32(r.Width)),
			Height:          aws.Int32(int32(r.Height)),
			ScalingBehavior: types.ScalingBehaviorDefault,
			CodecSettings:   codec,
		},
	}
}

// h264 encodes for every screen. Key frames come every two seconds and nowhere
// else, so that all renditions can be cut at the same times.
func h264(r rendition, fps rate) *types.VideoCodecSettings {
	return &types.VideoCodecSettings{
		Codec: types.VideoCodecH264,
		H264Settings: &types.H264Settings{
			RateControlMode:       types.H264RateControlModeQvbr,
			QvbrSettings:          &types.H264QvbrSettings{QvbrQualityLevel: aws.Int32(r.Quality)},
			MaxBitrate:            aws.Int32(r.MaxBitrate),
			QualityTuningLevel:    types.H264QualityTuningLevelSinglePassHq,
			CodecProfile:          types.H264CodecProfileHigh,
			CodecLevel:            types.H264CodecLevelAuto,
			FramerateControl:      types.H264FramerateControlSpecified,
			FramerateNumerator:    aws.Int32(fps.Numerator),
			FramerateDenominator:  aws.Int32(fps.Denominator),
			ParControl:            types.H264ParControlSpecified,
			ParNumerator:          aws.Int32(1),
			ParDenominator:        aws.Int32(1),
			GopSizeUnits:          types.H264GopSizeUnitsSeconds,
			GopSize:               aws.Float64(keyFrameSeconds),
			GopClosedCadence:      aws.Int32(1),
			SceneChangeDetect:     types.H264SceneChangeDetectDisabled,
			AdaptiveQuantization:  types.H264AdaptiveQuantizationAuto,
			InterlaceMode:         types.H264InterlaceModeProgressive,
			NumberReferenceFrames: aws.Int32(3),
		},
	}
}

// hevc encodes the same at about two thirds of the bits.
func hevc(r rendition, fps rate) *types.VideoCodecSettings {
	return &types.VideoCodecSettings{
		Codec: types.VideoCodecH265,
		H265Settings: &types.H265Settings{
			RateControlMode:         types.H265RateControlModeQvbr,
			QvbrSettings:            &types.H265QvbrSettings{QvbrQualityLevel: aws.Int32(r.Quality)},
			MaxBitrate:              aws.Int32(r.MaxBitrate * 2 / 3),
			QualityTuningLevel:      types.H265QualityTuningLevelSinglePassHq,
			CodecProfile:            types.H265CodecProfileMainMain,
			CodecLevel:              types.H265CodecLevelAuto,
			FramerateControl:        types.H265FramerateControlSpecified,
			FramerateNumerator:      aws.Int32(fps.Numerator),
			FramerateDenominator:    aws.Int32(fps.Denominator),
			ParControl:              types.H265ParControlSpecified,
			ParNumerator:            aws.Int32(1),
			ParDenominator:          aws.Int32(1),
			GopSizeUnits:            types.H265GopSizeUnitsSeconds,
			GopSize:                 aws.Float64(keyFrameSeconds),
			GopClosedCadence:        aws.Int32(1),
			SceneChangeDetect:       types.H265SceneChangeDetectDisabled,
			InterlaceMode:           types.H265InterlaceModeProgressive,
			WriteMp4PackagingType:   types.H265WriteMp4PackagingTypeHvc1,
			UnregisteredSeiTimecode: types.H265UnregisteredSeiTimecodeDisabled,
		},
	}
}

// audio is stereo, or mono where the source is. Six channels are mixed down as
// ITU-R BS.775 does; whether MediaConvert does so by itself is not documented.
func audio(channels int, language string) types.Output {
	aac := &types.AacSettings{
		CodecProfile:    types.AacCodecProfileLc,
		RateControlMode: types.AacRateControlModeCbr,
		CodingMode:      types.AacCodingModeCodingMode20,
		Bitrate:         aws.Int32(audioRate),
		SampleRate:      aws.Int32(48000),
	}
	description := types.AudioDescription{
		AudioSourceName: aws.String(audioSelector),
		CodecSettings:   &types.AudioCodecSettings{Codec: types.AudioCodecAac, AacSettings: aac},
	}
	switch channels {
	case 1:
		aac.CodingMode, aac.Bitrate = types.AacCodingModeCodingMode10, aws.Int32(monoRate)
	case 6:
		const off = -60 // the least gain in dB, which is silence
		left := []int32{0, off, -3, off, -3, off}
		right := []int32{off, 0, -3, off, off, -3}
		description.RemixSettings = &types.RemixSettings{
			ChannelsIn: aws.Int32(6), ChannelsOut: aws.Int32(2),
			ChannelMapping: &types.ChannelMapping{OutputChannels: []types.OutputChannelMapping{{InputChannels: left}, {InputChannels: right}}},
		}
	}
	if language != "" {
		description.LanguageCodeControl = types.AudioLanguageCodeControlUseConfigured
		description.CustomLanguageCode = aws.String(language)
	}
	return types.Output{
		NameModifier:      aws.String(audioModifier),
		ContainerSettings: &types.ContainerSettings{Container: types.ContainerTypeCmfc},
		AudioDescriptions: []types.AudioDescription{description},
	}
}

func stills(name, destination string, width, height int, capture *types.FrameCaptureSettings) types.OutputGroup {
	return types.OutputGroup{
		Name: aws.String(name),
		OutputGroupSettings: &types.OutputGroupSettings{
			Type:              types.OutputGroupTypeFileGroupSettings,
			FileGroupSettings: &types.FileGroupSettings{Destination: aws.String(destination)},
		},
		Outputs: []types.Output{{
			Extension:         aws.String("jpg"),
			ContainerSettings: &types.ContainerSettings{Container: types.ContainerTypeRaw},
			VideoDescription: &types.VideoDescription{
				Width:         aws.Int32(int32(width)),
				Height:        aws.Int32(int32(height)),
				CodecSettings: &types.VideoCodecSettings{Codec: types.VideoCodecFrameCapture, FrameCaptureSettings: capture},
			},
		}},
	}
}

// stillKey is the name of a capture: seven digits, counting from 0
// (MediaConvert user guide, "Frame capture").
func stillKey(folder, name string, n int) string {
	return fmt.Sprintf("%s%s%s.%07d.jpg", folder, stillsFolder, name, n)
}

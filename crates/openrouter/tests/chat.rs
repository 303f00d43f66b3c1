//! Reading and editing chat bodies: tables, hostile JSON, and splices that undo.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use money::Rate;
use openrouter::chat::{self, BodyError, ChatRequest, Permission};
use pricing::{
    CacheWrite, Detail, Effort, Engine, Fetch, MaxPrice, Media, Outputs, PdfEngine, Plugins, Search,
    SearchMode, ServerTool, TierAsked, Unpriced,
};
use proptest::prelude::*;

fn read(body: &str) -> ChatRequest<'_> {
    chat::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn permission(cap: u64) -> Permission {
    let max_price = MaxPrice {
        prompt: Rate::from_femtos(150_000_001),
        completion: Rate::from_femtos(600_000_001),
        request: None,
        ..MaxPrice::default()
    };
    Permission { output_cap: cap, max_price, ..Permission::default() }
}

fn splice(body: &str, permission: &Permission) -> String {
    String::from_utf8(read(body).splice(body.as_bytes(), permission)).unwrap()
}

const CEILING: &str = r#""max_price":{"prompt":0.150000001,"completion":0.600000001}"#;

#[test]
fn what_a_request_says() {
    let body = r#"{"model":"a/b","models":["a/b","c/d"],"messages":[{"role":"user","content":"hi"},{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}],
        "tools":[{"type":"function","function":{"name":"f"}}],"max_tokens":10,"max_completion_tokens":20,"n":2,"stream":true,"user":"u\n","session_id":"s",
        "reasoning":{"effort":"high","max_tokens":2000},"provider":{"only":["x"],"max_price":{"prompt":"0.5","completion":1e0,"image":3}}}"#;
    let request = read(body);
    let shape = &request.shape;
    assert_eq!(shape.models.as_slice(), ["a/b", "c/d"]);
    assert_eq!((shape.messages, shape.tools, shape.choices), (2, 1, 2));
    assert_eq!(shape.output_cap, Some(20), "the larger of two caps");
    assert_eq!((shape.reasoning_budget, shape.cache_write), (2000, CacheWrite::FiveMinutes));
    assert_eq!(
        (request.stream, request.user.as_deref(), request.session_id.as_deref()),
        (true, Some("u\n"), Some("s"))
    );
    let caller = shape.caller_max_price.unwrap();
    assert_eq!(caller.prompt.unwrap().femtos(), 500_000_001);
    assert_eq!(caller.completion.unwrap().femtos(), 1_000_000_001);
    assert_eq!(shape.only.as_slice(), ["x"]);
    assert_eq!(shape.effort, Some(Effort::Tokens(2_000)), "a number says more than a word");
    assert!(shape.costs.is_empty() && !shape.unknown_scalars);
}

#[test]
fn nulls_are_absent() {
    let body = r#"{"model":"m","models":null,"messages":null,"max_tokens":null,"n":null,"stream":null,"user":null,"tools":null,"plugins":null,
        "provider":null,"reasoning":null,"modalities":null,"preset":null,"audio":null,"web_search_options":null,"prediction":null,
        "image_config":null,"service_tier":null,"response_format":null,"unheard_of":null,"cache_control":null,"prompt_cache_options":null}"#;
    let request = read(body);
    assert!(request.shape.costs.is_empty(), "{:?}", request.shape.costs);
    assert!(!request.shape.unknown_scalars);
    assert_eq!((request.shape.choices, request.shape.output_cap), (1, None));
    assert_eq!(request.shape.cache_write, CacheWrite::None);
}

#[test]
fn what_costs_money_is_seen() {
    let message =
        |part: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let root = |member: &str| format!(r#"{{"model":"m","messages":[],{member}}}"#);
    for (body, code) in [
        (message(r#"{"type":"text","text":"x"}"#), None),
        (message(r#"{"type":"image_url","image_url":{"url":"x"}}"#), None),
        (message(r#"{"type":"audio_url","audio_url":{"url":"x"}}"#), Some("media")),
        (message(r#"{"type":"input_image","image_url":"x"}"#), Some("media")),
        (message(r#"{"type":"text","type":"tool_result"}"#), Some("media")),
        (message(r#"{"type":"text","text":"x","source":{"url":"x"}}"#), Some("unknown_field")),
        (message(r#"{"type":null,"text":"x"}"#), Some("media")),
        (message(r#"{"text":"x"}"#), Some("media")),
        (root(r#""tools":[{"type":"function","function":{}}]"#), None),
        (root(r#""tools":[{"function":{}}]"#), None),
        (
            root(r#""tools":[{"type":"function","function":{},"allowed_callers":["x"]}]"#),
            Some("unknown_field"),
        ),
        (root(r#""tools":[{"type":"openrouter:web_search"}]"#), None),
        (root(r#""tools":[{"type":"openrouter:web_search","function":{}}]"#), Some("server_tool")),
        (root(r#""tools":[{"type":"openrouter:image_generation"}]"#), Some("server_tool")),
        (root(r#""tools":[{"type":"openrouter:web_search","parameters":{"x":{}}}]"#), Some("unknown_field")),
        (root(r#""tools":[{"type":"web_search","engine":"other"}]"#), Some("unknown_field")),
        (
            root(r#""tools":[{"type":"function","type":"openrouter:bash","function":{}}]"#),
            Some("server_tool"),
        ),
        (root(r#""tools":[{"name":"web","input_schema":{}}]"#), Some("server_tool")),
        (root(r#""plugins":[]"#), None),
        (root(r#""plugins":[{"id":"web","enabled":false}]"#), None),
        (root(r#""plugins":[{"id":"web"},{"id":"file-parser"}]"#), None),
        (root(r#""plugins":[{"id":"web-fetch","max_uses":1}]"#), Some("plugin")),
        (root(r#""plugins":[{"id":"response-healing"},{"id":"context-compression","engine":"x"}]"#), None),
        (root(r#""plugins":[{"id":"auto-router","allowed_models":["a/*"]}]"#), None),
        (root(r#""plugins":[{"id":"fusion"}]"#), Some("plugin")),
        (root(r#""plugins":[{"id":"fusion","enabled":null}]"#), Some("plugin")),
        (root(r#""plugins":[{"id":"unheard_of"}]"#), Some("plugin")),
        (root(r#""plugins":[{"enabled":true}]"#), Some("plugin")),
        (root(r#""plugins":[{"id":"web","x":[1]}]"#), Some("unknown_field")),
        (root(r#""plugins":[{"id":"file-parser","pdf":{"x":[1]}}]"#), Some("unknown_field")),
        (root(r#""web_search_options":{}"#), Some("web_search")),
        (root(r#""modalities":["text"]"#), None),
        (root(r#""modalities":["text","image","audio"]"#), None),
        (root(r#""modalities":["smell"]"#), Some("modality")),
        (root(r#""preset":"p""#), Some("preset")),
        (root(r#""service_tier":"flex""#), None),
        (root(r#""service_tier":"priority""#), None),
        (root(r#""service_tier":"golden""#), Some("service_tier")),
        (root(r#""speed":"faster""#), Some("service_tier")),
        (root(r#""deferred_tools":{"v":1}"#), Some("unknown_field")),
        (root(r#""prompt":["a"]"#), Some("unknown_field")),
        (root(r#""temperature":[1]"#), Some("unknown_field")),
        (root(r#""provider":{"options":{"x":{"search":true}}}"#), Some("unknown_field")),
        (
            root(
                r#""stop":["x"],"metadata":{"a":"b"},"trace":{},"logit_bias":{"1":2},"usage":{"include":true}"#,
            ),
            None,
        ),
    ] {
        let request = read(&body);
        assert_eq!(request.shape.costs.first().map(Unpriced::code), code, "{body}");
    }
    assert!(read(&root(r#""unheard_of":7"#)).shape.unknown_scalars);
    let allowed = root(r#""chat_template_kwargs":{"a":1}"#);
    let request = chat::read_allowing(allowed.as_bytes(), &["chat_template_kwargs".to_owned()]).unwrap();
    assert!(request.shape.costs.is_empty() && request.shape.unknown_scalars);
    let allowed =
        root(r#""tools":[{"type":"web_search"},{"type":"openrouter:web_fetch","parameters":{"x":[1]}}]"#);
    for allow in ["tools[1].parameters.x", "tools[].parameters.x"] {
        let request = chat::read_allowing(allowed.as_bytes(), &[allow.to_owned()]).unwrap();
        assert!(request.shape.costs.is_empty() && request.shape.unknown_scalars, "{allow}");
    }
    let Unpriced::UnknownField(path) = &read(&allowed).shape.costs[0] else { panic!("no field") };
    assert_eq!(path, "tools[1].parameters.x");
}

const PNG_640_480: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA=";

#[test]
fn media() {
    let message =
        |part: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    let image = |detail, size| {
        let mut media = Media::default();
        media.add_image(detail, size);
        media
    };
    let png = Media { bytes: 40, ..image(Detail::High, Some((640, 480))) };
    let files = |files, bytes| Media { files, bytes, ..Media::default() };
    let unheard = |bytes| Media { audio_unknown: 1, bytes, ..Media::default() };
    let videos = |bytes| Media { videos: 1, bytes, ..Media::default() };
    let url = |url: &str, more: &str| {
        message(&format!(r#"{{"type":"image_url","image_url":{{"url":"{url}"{more}}}}}"#))
    };
    let file = |members: &str| message(&format!(r#"{{"type":"file","file":{{{members}}}}}"#));
    let audio = |members: &str| message(&format!(r#"{{"type":"input_audio","input_audio":{{{members}}}}}"#));
    for (body, expect) in [
        (message(r#"{"type":"text","text":"data:image/png;base64,AAAA"}"#), Media::default()),
        (url("https://x.test/a.png", ""), image(Detail::High, None)),
        (url("https://x.test/a.png", r#","detail":"low""#), image(Detail::Low, None)),
        (url("https://x.test/a.png", r#","detail":"auto""#), image(Detail::High, None)),
        (url("https://x.test/a.png", r#","detail":"original""#), image(Detail::Original, None)),
        (url("https://x.test/a.png", r#","detail":"low","detail":"high""#), image(Detail::High, None)),
        (url("https://x.test/a.png", r#","detail":null"#), image(Detail::High, None)),
        (url(PNG_640_480, ""), png.clone()),
        (url(&PNG_640_480.replace('/', "\\/"), ""), png.clone()),
        (url(&PNG_640_480.replace("iVB", "AAA"), ""), Media { bytes: 40, ..image(Detail::High, None) }),
        (url("data:image/svg+xml,<svg/>", ""), image(Detail::High, None)),
        (message(&format!(r#"{{"type":"image_url","image_url":"{PNG_640_480}"}}"#)), png.clone()),
        (message(&format!(r#"{{"image_url":"{PNG_640_480}","type":"text","text":""}}"#)), png.clone()),
        (message(r#"{"type":"image_url","image_url":{}}"#), image(Detail::High, None)),
        (message(r#"{"type":"image_url"}"#), image(Detail::Original, None)),
        (message(r#"{"\u0074ype":"\u0069mage_url","image_url":null}"#), image(Detail::Original, None)),
        (message(r#"{"type":"video_url","video_url":{"url":"https://x.test"}}"#), videos(0)),
        (message(r#"{"type":"input_video","video_url":{"url":"data:video/mp4;base64,AAAA"}}"#), videos(4)),
        (message(r#"{"type":"input_video"}"#), videos(0)),
        (audio(r#""format":"mp3","data":"SUQzAAAA""#), Media { bytes: 8, audio_ms: 6, ..Media::default() }),
        (audio(r#""data":"AAAAAAAA","format":"pcm16""#), Media { bytes: 8, audio_ms: 1, ..Media::default() }),
        (audio(r#""data":"AAAAAAAA","format":"flac""#), unheard(8)),
        (audio(r#""data":"SUQzAAAA","data":"SUQz","format":"mp3""#), unheard(0)),
        (audio(r#""data":"data:audio/mp3;base64,SUQz","format":"mp3""#), unheard(0)),
        (audio(""), unheard(0)),
        (message(r#"{"type":"input_audio"}"#), unheard(0)),
        (file(r#""file_data":"data:text/plain;base64,QUJD""#), files(0, 0)),
        (file(r#""file_data":"data:application/json,{}","filename":"a.json""#), files(0, 0)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","filename":"a.PDF""#), files(1, 4)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","file_id":"f""#), files(1, 0)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","filename":"a.pd\u0066 ""#), files(1, 4)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","filename":"a","filename":"b.pdf""#), files(1, 4)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","filename":null"#), files(0, 0)),
        (file(r#""file_data":"data:text/plain;base64,QUJD","filename":7"#), files(1, 4)),
        (file(r#""file_data":"data:text/plain;base64,CiVQREYtMS40""#), files(1, 12)),
        (file(r#""file_data":"data:application/pdf;base64,QUJD""#), files(1, 4)),
        (file(r#""file_data":"https://x.test/a.txt""#), files(1, 0)),
        (file(r#""file_id":"f""#), files(1, 0)),
        (
            url("data:application/pdf;base64,QUJD", ""),
            Media { bytes: 4, files: 1, ..image(Detail::High, None) },
        ),
        (url("DATA:video/mp4;base64,QUJD", ""), Media { bytes: 4, files: 1, ..image(Detail::High, None) }),
        (url(" data:application/pdf,x", ""), Media { files: 1, ..image(Detail::High, None) }),
        (url("data:nobody can read this", ""), Media { files: 1, ..image(Detail::High, None) }),
        (file(""), files(1, 0)),
        (message(r#"{"type":"file"}"#), files(1, 0)),
        (
            format!(
                r#"{{"model":"m","messages":[{{"role":"assistant","images":[{{"image_url":{{"url":"{PNG_640_480}"}}}}]}}]}}"#
            ),
            png,
        ),
        (
            r#"{"model":"m","messages":[{"role":"assistant","audio":{"id":"a","data":"AAAA"}}]}"#.to_owned(),
            unheard(4),
        ),
        (r#"{"model":"m","messages":[{"content":"x","content":[{"type":"file"}]}]}"#.to_owned(), files(1, 0)),
    ] {
        let shape = read(&body).shape;
        assert_eq!(shape.media, expect, "{body}");
        assert!(shape.costs.is_empty(), "{body}: {:?}", shape.costs);
    }
}

#[test]
fn what_was_read_of_a_file_before_is_there_again() {
    let of = |annotations: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"assistant","content":"x","annotations":{annotations}}}]}}"#
        );
        chat::read(body.as_bytes()).map(|request| (request.shape.media, request.shape.costs.to_vec()))
    };
    let image = format!(r#"{{"type":"image_url","image_url":{{"url":"{PNG_640_480}"}}}}"#);
    let images = vec![image; 50].join(",");
    let file = format!(
        r#"[{{"type":"file","file":{{"hash":"h","name":"a.pdf","content":[{{"type":"text","text":"page"}},{images}]}}}}]"#
    );
    let (media, _) = of(&file).unwrap();
    assert_eq!((media.image_count(), media.files, media.bytes), (50, 1, 50 * 40));
    let cited = r#"[{"type":"url_citation","url_citation":{"url":"https://x.test","content":"x"}}]"#;
    for text in ["null", "[]", cited] {
        assert_eq!(of(text).unwrap().0, Media::default(), "{text}");
    }
    for some in [r#"[{"file":{"content":"text"}}]"#, r#"[{"file":{}}]"#] {
        assert_eq!(of(some).unwrap().0, Media { files: 1, ..Media::default() }, "{some}");
    }
    let (_, costs) = of(r#"[{"file":{"content":[{"type":"hologram"}]}}]"#).unwrap();
    assert!(matches!(costs[..], [Unpriced::Media { .. }]), "{costs:?}");
    for wrong in ["7", "[7]", r#"[{"file":[]}]"#, r#"[{"file":{"content":{}}}]"#] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_file_that_also_lies_elsewhere_is_one() {
    let of = |members: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"file","file":{{"file_data":"data:text/plain;base64,QUJD",{members}}}}}]}}]}}"#
        );
        let shape = read(&body).shape;
        (shape.media.files, shape.unknown_scalars)
    };
    assert_eq!(of(r#""filename":"a.txt""#), (0, false));
    assert_eq!(of(r#""file_url":null"#), (0, false));
    assert_eq!(of(r#""file_url":"https://x.test/a.pdf""#), (1, true));
    assert_eq!(of(r#""url":"https://x.test/a.pdf","file_id":"f""#), (2, true));
}

#[test]
fn server_tools_and_plugins() {
    let root = |member: &str| format!(r#"{{"model":"m","messages":[],{member}}}"#);
    let search = Search::default();
    for (tool, expect) in [
        (r#"{"type":"openrouter:web_search"}"#, ServerTool::Search(search)),
        (r#"{"type":"openrouter:web_search","parameters":null,"max_uses":3}"#, ServerTool::Search(search)),
        (
            r#"{"parameters":{"engine":"exa","mode":"deep-lite","max_uses":3,"max_results":null,"max_total_results":9,"max_characters":7,"allowed_domains":["x"]},"type":"openrouter:web_search"}"#,
            ServerTool::Search(Search {
                engine: Engine::Exa,
                mode: SearchMode::Deep,
                max_uses: Some(3),
                max_total_results: Some(9),
                max_characters: Some(7),
                ..search
            }),
        ),
        (
            r#"{"type":"web_search_preview","max_uses":3,"search_context_size":"low","mode":"deepest"}"#,
            ServerTool::Search(Search { max_uses: Some(3), mode: SearchMode::Deepest, ..search }),
        ),
        (
            r#"{"type":"web_search","max_uses":3,"max_results":2,"engine":"exa","parameters":{"max_uses":9,"engine":"parallel"}}"#,
            ServerTool::Search(Search { max_uses: Some(9), ..search }),
        ),
        (
            r#"{"type":"openrouter:web_fetch","parameters":{"max_uses":2,"max_content_tokens":100,"engine":"openrouter"}}"#,
            ServerTool::Fetch(Fetch {
                engine: Engine::OpenRouter,
                max_uses: Some(2),
                max_content_tokens: Some(100),
            }),
        ),
        (
            r#"{"type":"openrouter:web_fetch","parameters":{"engine":null}}"#,
            ServerTool::Fetch(Fetch::default()),
        ),
        (r#"{"type":"openrouter:datetime","parameters":{"timezone":"UTC"}}"#, ServerTool::Clock),
    ] {
        let body = root(&format!(r#""tools":[{tool}]"#));
        let shape = read(&body).shape;
        assert_eq!(shape.run.tools.as_slice(), [expect], "{body}");
        assert!(shape.run.loops && shape.costs.is_empty(), "{body}");
    }
    let body = root(
        r#""plugins":[{"id":"web","engine":"native","max_results":3},{"id":"file-parser","pdf":{"engine":"pdf-text"}},{"id":"fusion","enabled":false}],
           "stop_server_tools_when":[{"type":"max_cost","max_cost_in_dollars":1},{"step_count":9,"type":"step_count_is"},{"type":"step_count_is","step_count":2,"step_count":3}]"#,
    );
    let run = read(&body).shape.run;
    assert_eq!(run.web, Some(Search { engine: Engine::Native, max_results: Some(3), ..search }));
    assert_eq!((run.pdf, run.steps, run.loops), (Some(PdfEngine::Cloudflare), Some(3), false));
    assert_eq!(run.named, Plugins::WEB.with(Plugins::FUSION));
    let body = root(r#""tools":[{"type":"openrouter:bash"}],"plugins":[{"id":"web","enabled":false}]"#);
    let run = read(&body).shape.run;
    assert!(run.loops && run.tools.is_empty() && run.web.is_none());
    assert_eq!(run.named, Plugins::WEB);
}

/// Searching and fetching have engines of their own, and a tool without limits none.
#[test]
fn engines_that_are_not_known_are_costs() {
    let root = |tool: &str| format!(r#"{{"model":"m","messages":[],"tools":[{tool}]}}"#);
    let unknown = Unpriced::UnknownField("tools[0].parameters.engine".to_owned());
    for (tool, expect) in [
        (r#"{"type":"openrouter:web_fetch","parameters":{"engine":"x"}}"#, Some(&unknown)),
        (r#"{"type":"openrouter:web_fetch","parameters":{"engine":"perplexity"}}"#, Some(&unknown)),
        (r#"{"type":"openrouter:web_search","parameters":{"engine":"openrouter"}}"#, Some(&unknown)),
        (r#"{"type":"openrouter:web_search","parameters":{"engine":"perplexity"}}"#, None),
        (r#"{"type":"openrouter:datetime","parameters":{"engine":"x"}}"#, None),
    ] {
        assert_eq!(read(&root(tool)).shape.costs.first(), expect, "{tool}");
    }
}

/// A switch that OpenRouter's document does not give a plugin is left out, and the plugin runs.
#[test]
fn plugins_are_off_where_they_have_a_switch() {
    let costs = |plugin: &str| {
        let body = format!(r#"{{"model":"m","messages":[],"plugins":[{plugin}]}}"#);
        let shape = read(&body).shape;
        (shape.costs.first().and_then(Unpriced::key), shape.run.loops)
    };
    for id in
        ["web", "fusion", "file-parser", "response-healing", "context-compression", "auto-router", "armor"]
    {
        assert_eq!(costs(&format!(r#"{{"id":"{id}","enabled":false}}"#)), (None, false), "{id}");
    }
    for id in ["moderation", "alignment", "switchyard", "web-fetch", "new", ""] {
        let cost = Some(format!("plugin:{id}"));
        let loops = id == "web-fetch";
        for plugin in [format!(r#"{{"id":"{id}"}}"#), format!(r#"{{"id":"{id}","enabled":false}}"#)] {
            assert_eq!(costs(&plugin), (cost.clone(), loops), "{plugin}");
        }
    }
}

#[test]
fn tiers_outputs_and_reasoning() {
    let root = |member: &str| format!(r#"{{"model":"m","messages":[],{member}}}"#);
    for (member, expect) in [
        (r#""service_tier":"default""#, TierAsked::Standard),
        (r#""service_tier":null"#, TierAsked::Standard),
        (r#""service_tier":"flex""#, TierAsked::Flex),
        (r#""service_tier":"scale""#, TierAsked::Premium),
        (r#""speed":"fast","service_tier":"flex""#, TierAsked::Premium),
        (r#""service_tier":"flex","speed":"fast""#, TierAsked::Premium),
        (r#""service_tier":"golden""#, TierAsked::Premium),
    ] {
        assert_eq!(read(&root(member)).shape.tier, expect, "{member}");
    }
    for (member, images, audio) in [
        (r#""modalities":["text"]"#, false, false),
        (r#""modalities":["image"]"#, true, false),
        (r#""modalities":["text","audio"]"#, false, true),
        (r#""audio":{"voice":"x"}"#, false, true),
        (r#""image_config":{"a":1}"#, true, false),
    ] {
        assert_eq!(read(&root(member)).shape.outputs, Outputs { images, audio }, "{member}");
    }
    for (member, expect) in [
        (r#""reasoning":{"effort":"high"}"#, 1_024),
        (r#""reasoning":{"effort":"high"},"max_tokens":10000"#, 8_000),
        (r#""reasoning_effort":"xhigh","max_tokens":1000000"#, 128_000),
        (r#""max_tokens":10001,"reasoning_effort":"low""#, 2_001),
        (r#""max_tokens":10000,"reasoning":{"enabled":true}"#, 5_000),
        (r#""max_tokens":10000,"reasoning":{"effort":"unheard of"}"#, 9_500),
        (r#""max_tokens":10000,"reasoning":{"effort":"none"}"#, 0),
        (r#""max_tokens":10000,"reasoning":{"effort":"minimal","max_tokens":3000}"#, 3_000),
    ] {
        assert_eq!(read(&root(member)).shape.reasoning_budget, expect, "{member}");
    }
    let prediction = r#"{"type":"content","content":"x"}"#;
    assert_eq!(read(&root(&format!(r#""prediction":{prediction}"#))).shape.prediction_bytes, 32);
}

#[test]
fn how_much_is_to_be_thought() {
    let body = |member: &str| format!(r#"{{"model":"m","messages":[],{member}}}"#);
    for (member, expect) in [
        (r#""reasoning":{}"#, None),
        (r#""reasoning":{"exclude":true}"#, None),
        (r#""reasoning":{"effort":null}"#, None),
        (r#""reasoning_effort":null"#, None),
        (r#""reasoning":{"effort":"none"}"#, Some(Effort::Off)),
        (r#""reasoning":{"enabled":false}"#, Some(Effort::Off)),
        (r#""reasoning":{"enabled":false,"effort":"high"}"#, Some(Effort::Off)),
        (r#""reasoning":{"enabled":true}"#, Some(Effort::Medium)),
        (r#""reasoning":{"enabled":true,"effort":"low"}"#, Some(Effort::Low)),
        (r#""reasoning_effort":"minimal""#, Some(Effort::Minimal)),
        (r#""reasoning":{"effort":"unheard of"}"#, Some(Effort::Max)),
        (r#""reasoning":{"max_tokens":0}"#, None),
        (r#""reasoning":{"max_tokens":3000}"#, Some(Effort::Tokens(3_000))),
    ] {
        assert_eq!(read(&body(member)).shape.effort, expect, "{member}");
    }
}

#[test]
fn whom_the_caller_wants_to_serve() {
    let of = |provider: &str| {
        let body = format!(r#"{{"model":"m","messages":[],"provider":{provider}}}"#);
        let shape = &read(&body).shape;
        (shape.ignore.join(" "), shape.order.join(" "), shape.no_fallbacks, shape.by_price)
    };
    let told = |ignore: &str, order: &str, no_fallbacks, by_price| {
        (ignore.to_owned(), order.to_owned(), no_fallbacks, by_price)
    };
    for (provider, expect) in [
        (r#"{}"#, told("", "", false, false)),
        (r#"{"ignore":["a","b"],"order":["c"]}"#, told("a b", "c", false, false)),
        (r#"{"ignore":null,"order":null,"allow_fallbacks":null,"sort":null}"#, told("", "", false, false)),
        (r#"{"allow_fallbacks":true,"sort":"throughput"}"#, told("", "", false, false)),
        (r#"{"allow_fallbacks":false,"sort":"price"}"#, told("", "", true, true)),
        (r#"{"sort":{"by":"price","partition":"none"}}"#, told("", "", false, true)),
        (r#"{"sort":{"by":"latency"}}"#, told("", "", false, false)),
        // OpenRouter's to refuse: nothing in the bound rests on it.
        (r#"{"order":"c","sort":7,"allow_fallbacks":"no"}"#, told("", "", false, false)),
    ] {
        assert_eq!(of(provider), expect, "{provider}");
    }
}

#[test]
fn cache_writes() {
    let root = |member: &str| format!(r#"{{"model":"m","messages":[],{member}}}"#);
    for (body, expect) in [
        (root(r#""cache_control":{"type":"ephemeral"}"#), CacheWrite::FiveMinutes),
        (root(r#""cache_control":{"type":"ephemeral","ttl":"5m"}"#), CacheWrite::FiveMinutes),
        (root(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#), CacheWrite::OneHour),
        (root(r#""cache_control":{"ttl":"5m","ttl":"1h"}"#), CacheWrite::OneHour),
        (root(r#""cache_control":true"#), CacheWrite::OneHour),
        (root(r#""prompt_cache_options":{"ttl":"12h"}"#), CacheWrite::OneHour),
        (
            root(r#""tools":[{"type":"function","function":{},"cache_control":{"ttl":"1h"}}]"#),
            CacheWrite::OneHour,
        ),
        (root(r#""stop":"cache_control""#), CacheWrite::None),
    ] {
        assert_eq!(read(&body).shape.cache_write, expect, "{body}");
    }
}

#[test]
fn bodies_that_are_refused() {
    let deep = format!("{{\"model\":\"m\",\"messages\":[{}", "[".repeat(100_000));
    let many = format!(r#"{{"models":[{}]}}"#, vec!["\"m\""; 17].join(","));
    for (body, error) in [
        ("", "not valid JSON"),
        ("nul", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ("\"x\"", "must be a JSON object"),
        ("{\"model\":\"m\"} x", "not valid JSON"),
        ("{\"model\":\"m\"}{}", "not valid JSON"),
        ("{\"model\":\"m\",}", "not valid JSON"),
        ("{\"model\":\"m\"", "not valid JSON"),
        ("\u{feff}{}", "not valid JSON"),
        (deep.as_str(), "messages"),
        (many.as_str(), "models"),
        (r#"{"model":1}"#, "'model' must be a string"),
        (r#"{"messages":{}}"#, "'messages' must be a list"),
        (r#"{"messages":"secret words"}"#, "'messages' must be a list"),
        (r#"{"messages":["secret words"]}"#, "'messages' must be a list"),
        (r#"{"messages":[{"content":7}]}"#, "messages[].content"),
        (r#"{"messages":[{"content":["secret words"]}]}"#, "messages[].content"),
        (r#"{"max_tokens":-1}"#, "'max_tokens' must be a whole number"),
        (r#"{"max_tokens":0}"#, "'max_tokens' must be"),
        (r#"{"max_tokens":1.5}"#, "'max_tokens' must be"),
        (r#"{"max_tokens":1e3}"#, "'max_tokens' must be"),
        (r#"{"max_tokens":4294967296}"#, "'max_tokens' must be"),
        (r#"{"max_tokens":99999999999999999999999}"#, "'max_tokens' must be"),
        (r#"{"max_tokens":"10"}"#, "'max_tokens' must be"),
        (r#"{"max_completion_tokens":[1]}"#, "'max_completion_tokens' must be"),
        (r#"{"n":0}"#, "'n' must be"),
        (r#"{"stream":"yes"}"#, "'stream' must be"),
        (r#"{"user":7}"#, "'user' must be"),
        (r#"{"provider":[]}"#, "'provider' must be"),
        (r#"{"provider":{"max_price":7}}"#, "'provider.max_price' must be"),
        (r#"{"provider":{"max_price":{"prompt":-1}}}"#, "'provider.max_price' must be"),
        (r#"{"provider":{"max_price":{"prompt":"x"}}}"#, "'provider.max_price' must be"),
        (r#"{"provider":{"ignore":"x"}}"#, "'provider.ignore' must be"),
        (r#"{"model":"a","model":"b"}"#, "'model' is given twice"),
        (r#"{"max_tokens":1,"max\u005ftokens":9}"#, "'max_tokens' is given twice"),
        (r#"{"messages":[],"messages":[]}"#, "'messages' is given twice"),
        (r#"{"provider":{"sort":"price","sort":"price"}}"#, "'provider.sort' is given twice"),
        (
            r#"{"provider":{"max_price":{"prompt":1,"pr\u006fmpt":2}}}"#,
            "'provider.max_price.prompt' is given twice",
        ),
        (
            r#"{"tools":[{"type":"web_search","max_uses":1,"max_uses":9}]}"#,
            "'tools[].max_uses' is given twice",
        ),
        (
            r#"{"tools":[{"type":"openrouter:web_fetch","parameters":{"max_uses":1,"max\u005fuses":9}}]}"#,
            "'tools[].parameters.max_uses' is given twice",
        ),
        (r#"{"tools":[{"type":"web_search","max_uses":0}]}"#, "'max_uses' must be a whole number"),
        (r#"{"tools":[{"type":"web_search","parameters":[]}]}"#, "'tools[].parameters' must be"),
        (r#"{"plugins":[{"id":"web","id":"web"}]}"#, "'plugins[].id' is given twice"),
        (r#"{"plugins":[{"id":"web"},{"id":"web","enabled":false}]}"#, "'plugins[].web' is given twice"),
        (r#"{"plugins":[{"id":"file-parser","pdf":{"engine":null,"engine":"native"}}]}"#, "given twice"),
        (r#"{"plugins":7}"#, "'plugins' must be"),
        (r#"{"plugins":{"id":"web"}}"#, "'plugins' must be"),
        (r#"{"stop_server_tools_when":7}"#, "'stop_server_tools_when' must be"),
        (r#"{"stop_server_tools_when":[{"step_count":0}]}"#, "step_count' must be"),
        (r#"{"provider":{"max_price":{"image":"x"}}}"#, "'provider.max_price' must be"),
        (r#"{"messages":[{"content":[{"type":"image_url","image_url":7}]}]}"#, "image_url' must be"),
        (r#"{"messages":[{"content":[{"type":"file","file":{"file_data":7}}]}]}"#, "file_data' must be"),
        (r#"{"tools":{"a":1}}"#, "'tools' must be"),
        (r#"{"tools":[7]}"#, "'tools' must be"),
    ] {
        let found = chat::read(body.as_bytes()).expect_err(body).to_string();
        assert!(found.contains(error) && !found.contains("secret"), "{found} for {:.80}", body);
    }
    assert!(matches!(chat::read(b"{\"model\":\"\xff\"}"), Err(BodyError::NotJson(_))));
    let hidden = format!("{{\"model\":\"m\",\"x\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(read(&hidden).shape.costs[0].code(), "unknown_field", "depth costs no stack");
}

#[test]
fn splices() {
    let p = permission(100);
    for (body, expect) in [
        (r#"{}"#, format!(r#"{{"max_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (" { } \n", format!(" {{ \"max_tokens\":100,\"provider\":{{{CEILING}}}}} \n")),
        (r#"{"model":"m"}"#, format!(r#"{{"model":"m","max_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"model":"m"}"#, format!(r#"{{"max_tokens":7,"model":"m","provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":700}"#, format!(r#"{{"max_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":null}"#, format!(r#"{{"max_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_completion_tokens" : null }"#, format!(r#"{{"max_completion_tokens" : 100 ,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":700,"max_completion_tokens":900}"#, format!(r#"{{"max_tokens":100,"max_completion_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"max_completion_tokens":900}"#, format!(r#"{{"max_tokens":7,"max_completion_tokens":100,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":null,"max_completion_tokens":9}"#, format!(r#"{{"max_tokens":null,"max_completion_tokens":9,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"provider":null}"#, format!(r#"{{"max_tokens":7,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"provider":{}}"#, format!(r#"{{"max_tokens":7,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"provider":{"sort":"price"}}"#, format!(r#"{{"max_tokens":7,"provider":{{"sort":"price",{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"provider":{"max_price":null}}"#, format!(r#"{{"max_tokens":7,"provider":{{{CEILING}}}}}"#)),
        (r#"{"max_tokens":7,"provider":{"max_price":{ "prompt" : 0.10, "image":1 }}}"#,
            r#"{"max_tokens":7,"provider":{"max_price":{ "prompt" : 0.10, "image":1 ,"completion":0.600000001}}}"#.to_owned()),
        (r#"{"max_tokens":7,"provider":{"max_price":{"prompt":"9","completion":null}}}"#,
            r#"{"max_tokens":7,"provider":{"max_price":{"prompt":0.150000001,"completion":0.600000001}}}"#.to_owned()),
        (r#"{"max_tokens":7,"provider":{"max_price":{"prompt":0,"completion":0}}}"#,
            r#"{"max_tokens":7,"provider":{"max_price":{"prompt":0,"completion":0}}}"#.to_owned()),
        (r#"{"max_tokens":7,"provider":{"max_price":{"prompt":0.15,"completion":"0.6"}}}"#,
            r#"{"max_tokens":7,"provider":{"max_price":{"prompt":0.15,"completion":"0.6"}}}"#.to_owned()),
    ] {
        assert_eq!(splice(body, &p), expect, "{body}");
    }
}

#[test]
fn splices_with_a_request_fee_and_exclusions() {
    let mut p = permission(9);
    p.max_price.request = Some(Rate::parse_ceil("0.005").unwrap());
    p.ignore = vec!["x/fp8".to_owned(), "y\"".to_owned()];
    let ceiling = CEILING.replace("}", ",\"request\":0.005}");
    for (body, expect) in [
        (
            r#"{"max_tokens":7}"#,
            format!(r#"{{"max_tokens":7,"provider":{{{ceiling},"ignore":["x/fp8","y\""]}}}}"#),
        ),
        (
            r#"{"max_tokens":7,"provider":{"ignore":[]}}"#,
            format!(r#"{{"max_tokens":7,"provider":{{"ignore":["x/fp8","y\""],{ceiling}}}}}"#),
        ),
        (
            r#"{"max_tokens":7,"provider":{"ignore":null}}"#,
            format!(r#"{{"max_tokens":7,"provider":{{"ignore":["x/fp8","y\""],{ceiling}}}}}"#),
        ),
        (
            r#"{"max_tokens":7,"provider":{"ignore":["x/fp8", "z" ]}}"#,
            format!(r#"{{"max_tokens":7,"provider":{{"ignore":["x/fp8", "z" ,"y\""],{ceiling}}}}}"#),
        ),
    ] {
        assert_eq!(splice(body, &p), expect, "{body}");
    }
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn splices_of_other_models() {
    let tail = format!(r#""provider":{{{CEILING}}}"#);
    for (models, body, expect) in [
        (
            names(&["a/b"]),
            r#"{"model" : "task/x" ,"max_tokens":7}"#,
            format!(r#"{{"model" : "a/b" ,"max_tokens":7,{tail}}}"#),
        ),
        (
            names(&["a/b:floor", "c/d", "e\"f"]),
            r#"{"max_tokens":7,"model":"task\u002fx"}"#,
            format!(r#"{{"max_tokens":7,"model":"a/b:floor","models":["c/d","e\"f"],{tail}}}"#),
        ),
        (
            names(&["a/b", "c/d"]),
            r#"{"models":["x", "y"],"max_tokens":7}"#,
            format!(r#"{{"models":["c/d"],"max_tokens":7,"model":"a/b",{tail}}}"#),
        ),
        (
            names(&["a/b"]),
            r#"{"models":["x"],"model":"y","max_tokens":7}"#,
            format!(r#"{{"models":["a/b"],"model":"a/b","max_tokens":7,{tail}}}"#),
        ),
        (
            names(&["a/b", "c/d"]),
            r#"{"models":null,"model":null,"max_tokens":7}"#,
            format!(r#"{{"models":["c/d"],"model":"a/b","max_tokens":7,{tail}}}"#),
        ),
        (names(&["a/b"]), r#"{}"#, format!(r#"{{"model":"a/b","max_tokens":100,{tail}}}"#)),
        (
            Some(Vec::new()),
            r#"{"model":"m","max_tokens":7}"#,
            format!(r#"{{"model":"m","max_tokens":7,{tail}}}"#),
        ),
    ] {
        let permission = Permission { models, ..permission(100) };
        assert_eq!(
            String::from_utf8(read(body).splice(body.as_bytes(), &permission)).unwrap(),
            expect,
            "{body}"
        );
    }
}

/// JSON members that may stand in a body, in any order and spacing.
fn members() -> impl Strategy<Value = Vec<(String, String)>> {
    let number = || prop_oneof![Just("null".to_owned()), (1..1_000_000_u32).prop_map(|n| n.to_string())];
    let price = || {
        prop_oneof![
            Just("null".to_owned()),
            (0..4_000_u32).prop_map(|n| format!("{}.{:03}", n / 1000, n % 1000)),
            (0..4_000_u32).prop_map(|n| format!("\"{n}e-3\""))
        ]
    };
    let max_price = (price(), price(), any::<[bool; 3]>()).prop_map(|(a, b, on)| {
        let list = [format!("\"prompt\":{a}"), format!("\"completion\" : {b}"), "\"image\":1".to_owned()];
        let list: Vec<_> = list.into_iter().zip(on).filter(|(_, on)| *on).map(|(m, _)| m).collect();
        format!("{{ {} }}", list.join(" , "))
    });
    let max_price = prop_oneof![Just("null".to_owned()), max_price];
    let provider = (max_price, any::<[bool; 3]>()).prop_map(|(m, on)| {
        let list = [
            format!("\"max_price\":{m}"),
            "\"sort\":\"price\"".to_owned(),
            "\"ignore\":[ \"q\" ]".to_owned(),
        ];
        let list: Vec<_> = list.into_iter().zip(on).filter(|(_, on)| *on).map(|(m, _)| m).collect();
        format!("{{{}}}", list.join(","))
    });
    let provider = prop_oneof![Just("null".to_owned()), provider];
    let messages =
        "[ -~&&[^\"\\\\]]{0,30}".prop_map(|text| format!("[{{\"role\":\"user\",\"content\":\"{text}\"}}]"));
    let models = prop_oneof![
        Just("null".to_owned()),
        Just("[ ]".to_owned()),
        Just("[\"n\" , \"m\"]".to_owned()),
        Just("[\"task\\/x\"]".to_owned()),
    ];
    let model =
        prop_oneof![Just("null".to_owned()), Just("\"m\"".to_owned()), Just("\"t\\u0061sk\"".to_owned())];
    let models = (model, models);
    (number(), number(), provider, messages, models, any::<[bool; 6]>()).prop_map(
        |(a, b, provider, messages, models, on)| {
            let list = [
                ("max_tokens", a),
                ("max_completion_tokens", b),
                ("provider", provider),
                ("messages", messages),
                ("model", models.0),
                ("models", models.1),
            ];
            list.into_iter().zip(on).filter(|(_, on)| *on).map(|((k, v), _)| (k.to_owned(), v)).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_spliced_body_reads_as_its_permission_and_keeps_the_rest(
        members in members().prop_shuffle(), space in "[ \n\t]{0,3}", cap in 1..200_000_u64, femtos in 0..3_000_000_000_u64,
    ) {
        let list: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\"{space}:{space}{v}")).collect();
        let body = format!("{space}{{{space}{}{space}}}{space}", list.join(&format!("{space},")));
        let mut permission = permission(cap);
        permission.max_price.prompt = Rate::from_femtos(femtos);
        permission.ignore = vec!["z".to_owned()];
        let before = read(&body);
        let spliced = splice(&body, &permission);
        let after = read(&spliced);
        let expect = before.shape.output_cap.map_or(cap, |asked| asked.min(cap));
        prop_assert_eq!(after.shape.output_cap, Some(expect));
        let caller = after.shape.caller_max_price.unwrap();
        prop_assert!(caller.prompt.unwrap().femtos() <= femtos + 1);
        prop_assert!(caller.completion.unwrap() <= Rate::from_femtos(600_000_002));
        // A second splice of the same permission changes nothing.
        prop_assert_eq!(&splice(&spliced, &permission), &spliced);
        // What stood before every edit, and after it, is still there: the texts share all but the edited values.
        let value: serde_json::Value = serde_json::from_str(&spliced).unwrap();
        let mut original: serde_json::Value = serde_json::from_str(&body).unwrap();
        for key in ["model", "models", "messages"] {
            prop_assert_eq!(value.get(key), original.get(key));
        }
        prop_assert_eq!(value["provider"].get("sort"), original.get("provider").and_then(|p| p.get("sort")));
        prop_assert!(value["provider"]["ignore"].as_array().unwrap().iter().any(|tag| tag == "z"));
        original.as_object_mut().unwrap().retain(|key, _| value.get(key).is_none());
        prop_assert!(original.as_object().unwrap().is_empty(), "nothing is lost");
    }

    #[test]
    fn other_models_are_spliced_and_nothing_else_changes(
        members in members().prop_shuffle(), space in "[ \n\t]{0,3}", cap in 1..200_000_u64,
        chain in proptest::collection::hash_set("[a-z]{1,6}/[a-z0-9:\"\\\\é-]{1,8}", 1..5),
    ) {
        let list: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\"{space}:{space}{v}")).collect();
        let body = format!("{space}{{{space}{}{space}}}{space}", list.join(&format!("{space},")));
        let chain: Vec<String> = chain.into_iter().collect();
        let plain = permission(cap);
        let routed = Permission { models: Some(chain.clone()), ..plain.clone() };
        let spliced = splice(&body, &routed);
        let after = read(&spliced);
        prop_assert_eq!(after.shape.models.as_slice(), chain.as_slice(), "OpenRouter reads the chain and nothing else");
        // All else is that of a splice without a chain.
        let without = splice(&body, &plain);
        let (mut routed_value, mut plain_value): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&spliced).unwrap(), serde_json::from_str(&without).unwrap());
        for value in [&mut routed_value, &mut plain_value] {
            let object = value.as_object_mut().unwrap();
            object.remove("model");
            object.remove("models");
        }
        prop_assert_eq!(routed_value.to_string(), plain_value.to_string(), "all else is as it was");
        for (key, text) in &members {
            if !matches!(key.as_str(), "model" | "models" | "provider" | "max_tokens" | "max_completion_tokens") {
                let kept = format!("\"{key}\"{space}:{space}{text}");
                prop_assert!(spliced.contains(&kept), "{} in {}", kept, spliced);
            }
        }
        prop_assert_eq!(&splice(&spliced, &routed), &spliced, "a second splice changes nothing");
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = chat::read(&bytes);
    }

    #[test]
    fn any_mutation_is_answered(at in 0..400_usize, byte: u8, cut in 0..400_usize) {
        let body = br#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"tools":[{"type":"function","function":{"name":"f"}}],"max_tokens":5,"provider":{"max_price":{"prompt":1,"completion":2},"ignore":["a"]},"reasoning":{"max_tokens":5}}"#;
        let mut bytes = body.to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(request) = chat::read(&bytes) {
            let spliced = request.splice(&bytes, &permission(3));
            prop_assert!(chat::read(&spliced).is_ok());
        }
        bytes.truncate(cut);
        let _ = chat::read(&bytes);
    }
}

//! Limits: what is cut, and that the report says where.

use super::stage::{Report, Target, compile, folder, trace_with};

fn crowd(name: &str) -> Target {
    let program = folder(name).join("crowd");
    compile("crowd.c", &program, &["-static"]);
    Target::run(&mut std::process::Command::new(program))
}

fn problems(report: &Report) -> String {
    report.json["problems"].to_string()
}

#[test]
fn threads_and_variables_beyond_their_limit_are_counted_in_the_report() {
    let target = crowd("limits");
    let all = trace_with(&target, &[], &[]);
    assert_eq!((all.json["threads"].as_array().unwrap().len(), all.code), (4, Some(0)), "{}", problems(&all));
    let cut = trace_with(&target, &["--max-threads", "3", "--max-variables", "1"], &[]);
    assert_eq!(cut.json["threads"].as_array().unwrap().len(), 3);
    assert!(problems(&cut).contains("1 threads are left out (--max-threads 3)"), "{}", problems(&cut));
    assert!(problems(&cut).contains("--max-variables 1"), "{}", problems(&cut));
    let frames = cut.json["threads"][0]["frames"].as_array().unwrap();
    assert!(frames.iter().all(|frame| frame["variables"].as_array().is_none_or(|list| list.len() <= 1)));
    assert_eq!(cut.code, Some(1), "a report that a limit has cut is partial");
}

#[test]
fn an_analysis_without_memory_still_leaves_every_thread_its_return_addresses() {
    let report = trace_with(&crowd("memory"), &["--max-memory", "64k"], &[]);
    assert_eq!(report.code, Some(1));
    assert!(problems(&report).contains("(--max-memory)"), "{}", problems(&report));
    let threads = report.json["threads"].as_array().unwrap();
    assert_eq!(threads.len(), 4);
    for thread in threads {
        assert!(thread["frames"].as_array().unwrap().len() > 1, "{thread}");
    }
}

//! The example of `tests/c/slides.c` in Rust, with the hooks of `module_v2.c` and the printer of `module_v3.c`: it prints
//! the same.

use gimli_plugin_api::{
    Address, Analyzer, Error, Flow, Frame, Hooks, Host, Shown, Size, Thread, Variable, export_analyzer,
    plain_struct,
};

plain_struct! {
    struct Foo {
        value: i32,
    }
}

struct Twin;

impl Analyzer for Twin {
    fn begin_trace(&mut self, host: &Host<'_>) -> Result<Hooks, Error> {
        Ok(if host.find_symbol(host.object(), "my_int").is_some() { Hooks::ALL } else { Hooks::NONE })
    }

    fn printers(&self) -> Vec<String> {
        vec!["struct foo".into()]
    }

    fn begin_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<Flow, Error> {
        writeln!(host, "thread {} of {} has {} frames", thread.id, host.object(), thread.frame_count)?;
        if let Some(name) = host.frames(thread.id)?.first().and_then(|frame| host.name_of(frame.pc)) {
            writeln!(host, "innermost: {name}")?;
        }
        Ok(Flow::Continue)
    }

    fn before_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<Flow, Error> {
        if let Some(place) = host.source_of(frame.pc) {
            writeln!(host, "frame {} is at {place}", frame.index)?;
        }
        if let Ok(variable) = host.variable(frame, "pointer")
            && let (Some(address), Some(type_name)) = (variable.pointer(), variable.type_name())
        {
            let copied: Foo = host.read(address)?;
            writeln!(host, "{type_name} pointer points at a foo of {}", copied.value)?;
        }
        Ok(Flow::Continue)
    }

    fn before_variable(
        &mut self,
        host: &Host<'_>,
        _: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        if variable.name != "password" {
            return Ok(Shown::AsIs);
        }
        let (type_name, size) =
            (variable.type_name().unwrap_or_default(), variable.size().unwrap_or_default());
        writeln!(host, "{type_name} password is not shown, it has {size}")?;
        Ok(Shown::Hidden)
    }

    fn print_value(&mut self, host: &Host<'_>, _: &Frame<'_>, value: &Variable<'_>) -> Result<Shown, Error> {
        let Some(address) = value.address() else { return Ok(Shown::AsIs) };
        let copied: Foo = host.read(address)?;
        Ok(Shown::text(format!("a foo of {}", copied.value)))
    }

    fn after_variable(
        &mut self,
        host: &Host<'_>,
        _: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<(), Error> {
        if variable.name == "local" {
            writeln!(host, "that was local")?;
        }
        Ok(())
    }

    fn after_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<(), Error> {
        writeln!(host, "after frame {}", frame.index)
    }

    fn end_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<(), Error> {
        writeln!(host, "end of thread {} after {} frames", thread.id, thread.frame_count)
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        let object = host.object();
        writeln!(host, "{}", host.read_global_string(object, "my_str_ptr")?)?;
        writeln!(host, "my_int: {}", host.read_global::<i32>(object, "my_int", 0)?)?;
        let buffer = host.global_address(object, "my_str", 0)?;
        writeln!(host, "my_str: {}", host.read_string(buffer, Size(1024))?)?;
        writeln!(host, "foo.value: {}", host.read_global::<Foo>(object, "my_foo", 0)?.value)?;
        writeln!(host, "foo_ptr->value: {}", host.read_global::<Foo>(object, "my_foo_ptr", 1)?.value)?;
        let address: Address = host.read_global(object, "my_function_ptr", 0)?;
        if let Some(name) = host.name_of(address) {
            writeln!(host, "{address} = {name}")?;
        }
        if let Some(place) = host.source_of(address) {
            writeln!(host, "{address} => {place}")?;
        }
        // println! lands at the same place.
        println!("process {}", host.process().pid);
        Ok(())
    }
}

export_analyzer!(|| Twin);

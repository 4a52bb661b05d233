//! Entry values: what a place held when the frame's function was entered, as its caller knows
//! it (DWARF 5 §2.5.1.7, §3.4.2), also through functions that ended in a tail call and have
//! no frame any more.

use super::location::{FrameView, Scope};
use super::place::Missing;
use crate::dwarf::{Argument, CallSite, Die, Function};
use crate::object::Module;
use std::rc::Rc;

/// Tail calls followed one after another.
const MAX_TAIL_CALLS: usize = 4;
/// Functions looked at for tail calls.
const MAX_FUNCTIONS: usize = 64;

/// A function that ended in a tail call.
#[derive(Clone, Copy)]
pub(super) struct TailCall<'a> {
    /// The calls from the caller that still has a frame to the callee that has one.
    route: &'a [CallSite],
    /// Index in `route` of the call that entered the function.
    entered_by: usize,
}

impl Scope<'_> {
    /// The value that an argument, or the register or memory it was passed in, had when this scope's
    /// function was entered.
    pub(super) fn entry_value(&self, argument: Argument) -> Result<u64, Missing> {
        if let Some(TailCall { route, entered_by }) = self.gone {
            return self.nested()?.argument(route, entered_by, argument);
        }
        let view = self.view()?;
        let caller = Scope { index: self.index + 1, ..self.nested()? };
        let caller_view = caller.view()?;
        // Beyond a signal frame there is no call.
        if caller_view.frame.signal_frame.is_some() || view.frame.signal_frame.is_some() {
            return Err(Missing::OptimizedOut);
        }
        let scopes = caller_view.scopes.as_ref().ok_or(Missing::OptimizedOut)?;
        let return_address = caller_view.frame.pc().map(|pc| Ok(caller.bias()?.to_file(pc))).transpose()?;
        let sites = scopes.function.die.call_sites();
        let site =
            sites.iter().find(|site| site.return_address == return_address && return_address.is_some());
        let route = caller.route(site.ok_or(Missing::OptimizedOut)?, view).ok_or(Missing::OptimizedOut)?;
        self.nested()?.argument(&route, route.len() - 1, argument)
    }

    /// What the call `route[index]` passed as `argument`.
    fn argument(&self, route: &[CallSite], index: usize, argument: Argument) -> Result<u64, Missing> {
        let site = route.get(index).ok_or(Missing::OptimizedOut)?;
        let passed = site.parameters.iter().find(|parameter| parameter.argument == argument);
        let value = passed.ok_or(Missing::OptimizedOut)?.value;
        let scope = match index.checked_sub(1) {
            None => Scope { index: self.index + 1, gone: None, ..*self },
            Some(entered_by) => Scope { gone: Some(TailCall { route, entered_by }), ..*self },
        };
        scope.evaluate_number(value, site.die.unit)
    }

    /// The calls that led from `site` of this scope's function to `callee`: that one, and the
    /// tail calls behind it when there is just one such way.
    fn route(&self, site: &CallSite, callee: &FrameView<'_>) -> Option<Rc<[CallSite]>> {
        let function = callee.scopes.as_ref().map(|scopes| &scopes.function)?;
        let first = match (site.callee, site.target) {
            (Some(die), _) => die,
            (None, Some(target)) => {
                let called = self.evaluate_number(target, site.die.unit).ok()?;
                let start = callee.module?.bias.to_runtime(function.start);
                return (called == start.0).then(|| Rc::from([site.clone()]));
            }
            (None, None) => return None,
        };
        let module = callee.module?;
        module.object.as_ref().ok()?.debug_info()?.route(site, function.die, || {
            if is_same(first, function.die) {
                return Some(vec![site.clone()]);
            }
            let mut routes = tail_routes(first, function, module);
            let only = routes.pop().filter(|_| routes.is_empty())?;
            Some([site.clone()].into_iter().chain(only).collect())
        })
    }
}

/// Every way from `first` to `callee` by tail calls; more than one mean that it cannot be told.
fn tail_routes(first: Die, callee: &Function, module: &Module) -> Vec<Vec<CallSite>> {
    let mut found = Vec::new();
    let mut open = vec![(first, Vec::new())];
    for _ in 0..MAX_FUNCTIONS {
        let Some((die, route)) = open.pop() else { return found };
        let Some(body) = with_code(die, module) else { continue };
        for site in body.call_sites().iter().filter(|site| site.is_tail) {
            let Some(next) = site.callee else { continue };
            let mut longer: Vec<CallSite> = route.clone();
            longer.push(site.clone());
            if is_same(next, callee.die) {
                found.push(longer);
            } else if longer.len() < MAX_TAIL_CALLS {
                open.push((next, longer));
            }
        }
    }
    // Too many to tell.
    Vec::new()
}

/// Whether two DIEs, a declaration perhaps or an abstract instance, are of one function.
fn is_same(one: Die, other: Die) -> bool {
    let name = |die: Die| die.linkage_name().or_else(|| die.name());
    name(one).is_some() && name(one) == name(other)
}

/// The DIE with the function's code, when it is in this object.
fn with_code(die: Die, module: &Module) -> Option<Die> {
    let object = module.object.as_ref().ok()?;
    let name = die.linkage_name().or_else(|| die.name())?;
    let address = object.find_symbol(&name)?.address;
    let scopes = object.debug_info()?.scopes(address)?;
    (scopes.function.start == address).then_some(scopes.function.die)
}

//! A manual page: what the definitions of a command say, and its notes under the headings that pages have.

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, roman};

use crate::notes::Notes;

/// Writes the page of a program, and one for each of its commands.
pub(crate) fn write_all(command: Command, section: &str, dir: &Path) -> io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let of_program = Notes::read(&notes(&command)).exit_status;
    write_tree(&command, &of_program, section, dir)
}

fn write_tree(command: &Command, of_program: &str, section: &str, dir: &Path) -> io::Result<()> {
    let page = Man::new(command.clone()).section(section);
    fs::write(dir.join(page.get_filename()), render(&page, command, of_program)?)?;
    let mut shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.try_for_each(|command| write_tree(command, of_program, section, dir))
}

/// Where a command says nothing of exit statuses, those of the program hold.
fn render(page: &Man, command: &Command, of_program: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    if command.get_arguments().next().is_some() {
        page.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let Notes { remarks, exit_status, examples } = Notes::read(&notes(command));
    let exit_status = if exit_status.is_empty() { of_program } else { &exit_status };
    let mut roff = Roff::new();
    for (heading, text) in
        [("NOTES", &*remarks), ("EXIT STATUS", exit_status), ("EXAMPLES", &*examples)]
    {
        if !text.is_empty() {
            roff.control("SH", [heading]);
            push_text(&mut roff, text);
        }
    }
    roff.to_writer(&mut text)?;
    Ok(text)
}

/// Lines that are indented stand as they are; others are filled.
fn push_text(roff: &mut Roff, text: &str) {
    let mut is_verbatim = false;
    for line in text.lines() {
        if line.starts_with(' ') != is_verbatim {
            is_verbatim = !is_verbatim;
            roff.control(if is_verbatim { "nf" } else { "fi" }, []);
        }
        match line.is_empty() {
            true => roff.control("PP", []),
            false => roff.text([roman(line)]),
        };
    }
    if is_verbatim {
        roff.control("fi", []);
    }
}

fn notes(command: &Command) -> String {
    let notes = command.get_after_long_help().or_else(|| command.get_after_help());
    notes.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{Arg, Command};

    use super::write_all;

    #[test]
    fn a_program_and_its_commands_have_pages() {
        let lists =
            Command::new("list").about("Lists them").arg(Arg::new("all").long("all")).after_help(
                "Exit status: 3 if there is none.\n\nExamples:\n  thing list --all\n  .dot",
            );
        let shows = Command::new("show").about("Shows one");
        let command = Command::new("thing")
            .about("Does things")
            .subcommands([lists, shows])
            .after_help("A note.\n\nExit status:\n  0  done\n  1  not");
        let dir = tempfile::tempdir().unwrap();
        write_all(command, "8", dir.path()).unwrap();
        let page = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let of_program = page("thing.8");
        assert!(of_program.contains(".SH NOTES\nA note."), "{of_program}");
        assert!(of_program.contains("thing\\-list(8)"), "{of_program}");
        let list = page("thing-list.8");
        assert!(list.contains(".SH \"EXIT STATUS\"\n3 if there is none."), "{list}");
        assert!(list.contains(".nf\n  thing list \\-\\-all\n  .dot\n.fi"), "{list}");
        assert!(
            page("thing-show.8").contains(".SH \"EXIT STATUS\"\n.nf\n  0  done\n  1  not\n.fi")
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
